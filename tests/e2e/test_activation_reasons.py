"""What can be wrong with an instance, made real: each has its own reason, nothing is lost, and repaired it works.

The tests share one instance, and each goes on from the release that the one before it has left there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.real_instance import APP, HOME, START_ENGINE, STOP_ENGINE, Published, RealInstance, instance_and_registry
from tests.waiting import eventually

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(300)]

MEGABYTES = 1024 * 1024
TAIL_OF_ZEROS = ("/bin/busybox", "tail", "/dev/zero")
"""Reads a line that never ends into memory."""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealInstance]:
    directory = tmp_path_factory.mktemp("instance")
    with instance_and_registry(directory) as instance:
        assert works(instance, instance.publish("first"))
        yield instance


def refused(instance: RealInstance, release: Published) -> str:
    """Why the release cannot be activated; it is held meanwhile that nothing else has changed."""
    before = (instance.page(), runs(instance), containers(instance))
    marker = instance.activate(release)
    assert (marker.outcome, marker.version) == ("failed", before[0])
    assert (instance.page(), runs(instance), containers(instance)) == before
    return marker.reason


def gave_way(instance: RealInstance, release: Published) -> str:
    """Why the release was started, but replaced by the one before."""
    before = (instance.page(), runs(instance))
    marker = instance.activate(release)
    assert (marker.outcome, marker.version) == ("restored", before[0])
    assert (instance.page(), runs(instance)) == before
    return marker.reason


def runs(instance: RealInstance) -> dict[str, str]:
    """What the instance remembers, but for the orders it followed."""
    return {name: value for name, value in instance.state().items() if name != "generation"}


def containers(instance: RealInstance) -> str:
    return instance.says("docker ps --quiet --no-trunc")


def works(instance: RealInstance, release: Published) -> bool:
    return instance.activate(release).outcome == "activated" and instance.page() == release.version


def test_what_containers_log_is_bounded_by_the_user_data(serving: RealInstance) -> None:
    log = serving.says('docker inspect --format "{{json .HostConfig.LogConfig}}" $(docker ps -q)')
    assert log == '{"Type":"json-file","Config":{"max-file":"5","max-size":"50m"}}'


def test_a_container_run_by_hand_is_not_taken_for_the_release(serving: RealInstance) -> None:
    release = serving.publish("by-hand")
    files = f"{HOME}/releases/{serving.state()['version']}/files"
    compose = f"docker compose -p {APP} -f {files}/compose.yml -f {files}/compose.images.yml"
    assert serving.sh(f"{compose} run --no-TTY --no-deps web /bin/busybox false").exit_code == 1

    assert works(serving, release)
    serving.says("docker rm $(docker ps --all --quiet --filter label=com.docker.compose.oneoff=True)")


def test_the_disk_of_the_images_is_full(serving: RealInstance) -> None:
    release = serving.publish("images", serving.image("images", ballast=3 * MEGABYTES))
    serving.sh("dd if=/dev/zero of=/var/lib/docker/filler bs=1M")

    reason = refused(serving, release)

    assert "cannot be pulled: the disk is full: 0 MB free on /var/lib/docker, 1" in reason
    assert "MB free on /var/lib/deployer (remove what fills it" in reason
    serving.says("rm /var/lib/docker/filler")
    assert works(serving, release)


def test_the_disk_of_the_releases_is_full(serving: RealInstance) -> None:
    release = serving.publish("releases")
    assert serving.run("prefetch", release).outcome == "unchanged"
    serving.sh("dd if=/dev/zero of=/var/lib/deployer/filler bs=4k")

    reason = refused(serving, release)

    assert "the state of this instance cannot be written: the disk is full: " in reason
    assert "0 MB free on /var/lib/deployer" in reason
    serving.says("rm /var/lib/deployer/filler")
    assert works(serving, release)


def test_the_registry_is_down(serving: RealInstance) -> None:
    release = serving.publish("registry")
    serving.registry.stop()

    reason = refused(serving, release)

    assert f"image {release.image} cannot be pulled: its registry does not answer" in reason
    serving.registry.start()
    assert works(serving, release)


def test_the_image_is_missing(serving: RealInstance) -> None:
    image = serving.image("there")
    missing = f"{image.partition('@')[0]}@sha256:{'0' * 64}"

    reason = refused(serving, serving.publish("missing", missing))

    assert f"image {missing} cannot be pulled: it is not in its registry (build and publish again)" in reason
    assert works(serving, serving.publish("there", image))


def test_the_engine_is_down(serving: RealInstance) -> None:
    release = serving.publish("engine")
    before = runs(serving)
    serving.says(f"export SIGNAL=KILL{STOP_ENGINE}")

    marker = serving.activate(release)

    assert (marker.outcome, marker.version) == ("failed", before["version"])
    assert marker.reason.startswith("the docker engine does not run (on the instance: systemctl status docker)")
    assert (serving.page(), runs(serving)) == (before["version"], before)
    serving.says(START_ENGINE)
    assert works(serving, release)


def test_a_port_is_taken_by_another_process(serving: RealInstance) -> None:
    serving.says("setsid busybox httpd -f -p 9090 >/dev/null 2>&1 & echo $! >/run/taken.pid")
    release = serving.publish("port", service={"ports": ["8080:8080", "9090:8080"]})

    reason = gave_way(serving, release)

    assert "docker compose up failed: a port is taken by something else on the instance (ss -ltnp names it" in reason
    assert "9090" in reason
    serving.says("kill $(cat /run/taken.pid)")
    assert works(serving, release)


def test_a_name_is_taken_by_another_container(serving: RealInstance) -> None:
    serving.says(f"docker run --detach --name taken {serving.publish('other').image} /bin/busybox sleep 600")
    release = serving.publish("name", service={"container_name": "taken"})

    reason = gave_way(serving, release)

    assert "a container that is not this application's has the name (docker rm it, or change container_name)" in reason
    assert "/taken" in reason
    serving.says("docker rm --force taken")
    assert works(serving, release)


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        ({"mem_limit": "16m"}, "exited with 137: its memory ran out (give it more, or instances of a larger type)"),
        ({"command": ["/bin/busybox", "sh", "-c", "kill -9 $$$$"], "init": True}, "exited with 137: killed (did the"),
    ],
)
def test_a_container_is_killed(serving: RealInstance, service: dict[str, Any], reason: str) -> None:
    image = serving.image("hungry", TAIL_OF_ZEROS)

    found = gave_way(serving, serving.publish("hungry" if "mem_limit" in service else "killed", image, service))

    assert f"container orange-web-1 {reason}" in found


def test_an_engine_that_comes_late_is_waited_for(serving: RealInstance) -> None:
    release = serving.publish("late")
    serving.says(STOP_ENGINE)
    serving.generation += 1
    under_way = serving.start("activate", release)
    eventually("it waits", lambda: serving.sh("pgrep -f 'activate activate'").exit_code == 0)
    serving.says(START_ENGINE)
    under_way.wait()
    assert serving.page() == "late"


def test_compose_v1_takes_over_from_v2_and_gives_back(serving: RealInstance) -> None:
    serving.says("mount -t tmpfs tmpfs /usr/libexec/docker/cli-plugins")
    assert serving.sh("docker compose version").exit_code != 0
    assert works(serving, serving.publish("with-v1"))
    assert serving.says("docker ps --format '{{.Names}}'") == "orange_web_1"

    ends = serving.publish("ends", serving.image("ends", ("/bin/busybox", "false")))
    assert "container orange_web_1 exited with 1" in gave_way(serving, ends)

    serving.says("umount /usr/libexec/docker/cli-plugins")
    assert works(serving, serving.publish("with-v2"))
    assert serving.says("docker ps --all --format '{{.Names}}'") == "orange-web-1"


def test_compose_is_missing(serving: RealInstance) -> None:
    release = serving.publish("compose")
    serving.says(
        "mount -t tmpfs tmpfs /usr/libexec/docker/cli-plugins; mount --bind /bin/false /usr/bin/docker-compose"
    )

    reason = refused(serving, release)

    assert reason == "this instance has neither `docker compose` nor `docker-compose` (infra/base-image installs one)"
    serving.says("umount /usr/libexec/docker/cli-plugins /usr/bin/docker-compose")
    assert works(serving, release)
