"""The process runtime itself: how scripts run, what an instance is kept from, what is left afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.runtime import Script
from localcloud.runtime.process_image import PullRefused, pull, push
from localcloud.runtime.process_run import processes_of
from tests.cloud.instance.instances import Instance, Surroundings
from tests.waiting import eventually

MINIMAL = "services: {{app: {{image: '{image}', ports: ['8080:80']}}}}\n"


def docker(instance: Instance, words: str) -> tuple[int | None, str]:
    done = instance.runtime.run(instance.identity, Script(f"docker {words}")).wait()
    return done.exit_code, done.stdout + done.stderr


def start_container(instance: Instance) -> None:
    image = push(instance.surroundings.registry.address, "team/app", "v1")
    (instance.root / "compose.yml").write_text(MINIMAL.format(image=image))
    (instance.root / "env").touch()
    place = f"-p app --project-directory {instance.root} --env-file {instance.root}/env -f {instance.root}/compose.yml"
    assert docker(instance, f"compose {place} up -d --no-build --remove-orphans") == (0, "")


def test_scripts_run_by_sh_without_home_as_the_agent_runs_them(instance: Instance) -> None:
    script = Script('echo "$0 ${HOME-unset} $GIVEN"; exit 3', {"GIVEN": "a b"})

    done = instance.runtime.run(instance.identity, script).wait()

    assert done.exit_code == 3
    assert done.stdout.endswith(".sh unset a b\n")


def test_a_script_past_its_time_is_killed_with_all_it_started(instance: Instance) -> None:
    script = Script("sleep 600 & echo started; wait", timeout=1)

    done = instance.runtime.run(instance.identity, script).wait()

    assert (done.exit_code, done.stdout) == (None, "started\n")
    eventually("nothing runs", lambda: not list(processes_of(instance.root.parent)))


def test_two_instances_publish_the_same_port_without_meeting(instance: Instance, surroundings: Surroundings) -> None:
    start_container(instance)

    with surroundings.instance() as other:
        assert other.get() == (0, "")
        assert instance.get() == (200, "v1")


def test_curl_on_the_instance_reaches_the_instance(instance: Instance) -> None:
    start_container(instance)

    done = instance.runtime.run(
        instance.identity, Script("curl -s http://localhost:8080/ http://127.0.0.1:8080/")
    ).wait()

    assert done.stdout == "v1\nv1\n"


def test_terminating_leaves_neither_process_nor_file(surroundings: Surroundings) -> None:
    with surroundings.instance() as instance:
        start_container(instance)
        instance.runtime.run(instance.identity, Script("setsid sleep 600 & wait"))
        eventually("all of it runs", lambda: len(list(processes_of(instance.root.parent))) >= 3)

    assert list(processes_of(instance.root.parent)) == []
    assert not instance.root.parent.exists()
    surroundings.runtime.terminate("i-unknown")


@pytest.mark.parametrize(
    "words", ["system prune", "ps -a", "compose up", "pull --quiet x", "inspect x", "logs x", "run x"]
)
def test_the_stand_in_docker_refuses_what_it_does_not_stand_in_for(instance: Instance, words: str) -> None:
    code, said = docker(instance, words)

    assert code == 1
    assert "stand-in docker" in said


def test_an_image_that_is_not_in_the_registry_cannot_be_pulled(instance: Instance) -> None:
    code, said = docker(instance, f"pull {instance.surroundings.registry.address}/team/none@sha256:{'0' * 64}")

    assert code == 1
    assert "not found" in said


def test_images_are_pulled_by_digest_and_by_tag_also_through_the_mirror(surroundings: Surroundings) -> None:
    reference = push(surroundings.registry.address, "grafana/loki", "2.9")
    digest = reference.partition("@")[2]

    assert pull(reference, "")[0] == digest
    assert pull("grafana/loki:2.9", surroundings.registry.address)[0] == digest
    with pytest.raises(PullRefused):
        pull("grafana/loki:2.9", "")


def test_a_cloud_that_died_is_cleaned_up_by_the_next_one(tmp_path: Path, surroundings: Surroundings) -> None:
    first = surroundings.runtime_in(tmp_path)
    first.boot("i-1", "#!/bin/sh\nsleep 600\n", 9)

    surroundings.runtime_in(tmp_path).close()

    assert list(tmp_path.iterdir()) == []
