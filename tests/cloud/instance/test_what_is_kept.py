"""Which releases and images stay on an instance, also where its state or its manifests are damaged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from localcloud.runtime import Script
from tests.cloud.instance.instances import Instance, Published


def releases(instance: Instance) -> list[str]:
    return sorted(each.name for each in (instance.home / "releases").iterdir())


def prefetched(instance: Instance, *versions: str) -> list[Published]:
    """Releases that nobody ever activates."""
    found = [instance.publish(each) for each in versions]
    for each in found:
        assert instance.run("prefetch", each, instance.next_generation()).outcome == "unchanged"
    return found


def test_of_releases_that_are_only_prefetched_the_last_one_stays(instance: Instance) -> None:
    first, second, third = prefetched(instance, "p1", "p2", "p3")

    assert releases(instance) == ["p3"]
    assert third.image in instance.engine().images()
    assert not {first.image, second.image} & set(instance.engine().images())
    assert [each.name[:6] for each in (instance.root / "run/deployer/Orange").iterdir()] == ["p3.env"]


def lose_the_state(instance: Instance) -> None:
    (instance.home / "state").unlink()


def lose_the_manifest_of_what_runs(instance: Instance) -> None:
    (instance.home / "releases/v2/release.json").write_text("")


def lose_the_manifest_of_the_one_before(instance: Instance) -> None:
    (instance.home / "releases/v1/release.json").unlink()


@pytest.mark.parametrize("lose", [lose_the_state, lose_the_manifest_of_what_runs, lose_the_manifest_of_the_one_before])
def test_where_nobody_knows_what_to_keep_nothing_is_pruned(
    instance: Instance, lose: Callable[[Instance], None]
) -> None:
    v1, v2 = instance.publish("v1"), instance.publish("v2")
    assert instance.run("activate", v1, 1).outcome == "activated"
    assert instance.run("activate", v2, 2).outcome == "activated"
    lose(instance)

    prefetched(instance, "p1", "p2")

    assert releases(instance) == ["p1", "p2", "v1", "v2"]
    assert {v1.image, v2.image} < set(instance.engine().images())


def test_an_image_that_another_application_names_stays(instance: Instance) -> None:
    (shared,) = prefetched(instance, "p1")
    another = instance.root / "var/lib/deployer/lemon/releases/v1"
    another.mkdir(parents=True)
    (another / "release.json").write_bytes((instance.home / "releases/p1/release.json").read_bytes())

    prefetched(instance, "p2")

    assert releases(instance) == ["p2"]
    assert shared.image in instance.engine().images()


def test_a_release_whose_image_docker_keeps_is_tried_again(instance: Instance) -> None:
    (used,) = prefetched(instance, "p1")
    docker = instance.root.parent / "bin/docker"
    real = docker.rename(docker.with_name("docker.real"))
    docker.write_text(f'#!/bin/sh\n[ "$1 $2" != "image rm" ] || exit 1\nexec {real} "$@"\n')
    docker.chmod(0o755)

    prefetched(instance, "p2")
    assert releases(instance) == ["p1", "p2"]

    real.rename(docker)
    assert instance.runtime.run(instance.identity, Script(f"docker image inspect {used.image}")).wait().exit_code == 0
    prefetched(instance, "p3")
    assert releases(instance) == ["p3"]
    assert used.image not in instance.engine().images()
