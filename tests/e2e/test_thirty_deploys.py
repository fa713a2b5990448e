"""An instance's disk does not fill with what was deployed to it, whatever became of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.real_images import Shelf
from tests.e2e.real_instance import HOME, SERVES, RealInstance, instance_and_registry

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(600)]

DEPLOYS = 30
BALLAST = 2 * 1024 * 1024
ENDS_AT_ONCE = ("/bin/busybox", "false")


@dataclass(frozen=True)
class Disk:
    """How much is there of what; sizes in KB."""

    images: int
    docker: int
    releases: int
    environments: int


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealInstance]:
    directory = tmp_path_factory.mktemp("instance")
    with instance_and_registry(directory) as instance:
        yield instance


def measured(instance: RealInstance) -> Disk:
    words = instance.says("""
      docker images --quiet --no-trunc | sort -u | wc -l
      du -sk /var/lib/docker /var/lib/deployer | cut -f 1
      ls /run/deployer/orange | wc -l""").split()
    images, docker, releases, environments = (int(each) for each in words)
    return Disk(images, docker, releases, environments)


def deploy(instance: RealInstance, number: int) -> None:
    """Every fifth is prefetched and then given up, every seventh does not get healthy."""
    healthy = number % 7 != 0
    version = f"v{number}"
    image = instance.image(version, SERVES if healthy else ENDS_AT_ONCE, BALLAST)
    release = instance.publish(version, image)
    if number % 5 == 0:
        assert instance.run("prefetch", release).outcome == "unchanged"
    else:
        assert instance.activate(release).outcome == ("activated" if healthy else "restored")


def test_thirty_deploys_in_a_row_do_not_grow_the_disk(instance: RealInstance) -> None:
    anothers = Shelf(instance.registry.address).push("lemon", ENDS_AT_ONCE, {"ballast": b"lemon"})
    instance.says(f"docker pull --quiet {anothers}")
    early = Disk(0, 0, 0, 0)
    for number in range(1, DEPLOYS + 1):
        deploy(instance, number)
        if number == 5:
            early = measured(instance)
    late = measured(instance)
    sys.stderr.write(f"after 5 deploys {early}, after {DEPLOYS} {late}\n")

    # the one that runs, the one before it, the one that was only prefetched; and another application's
    assert (early.images, late.images) == (4, 4)
    assert late.docker < early.docker + BALLAST // 1024 // 2
    assert late.releases <= early.releases
    assert late.environments <= early.environments
    assert instance.page() == "v29"
    assert instance.says(f"ls {HOME}/releases").split() == ["v27", "v29", "v30"]
    instance.says(f"docker image inspect {anothers}")
