"""Whatever is killed on an instance, and wherever: it says the truth, serves what it served, and obeys what follows."""

from __future__ import annotations

import fcntl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from localcloud.runtime import Finished
from tests.cloud.instance.instances import Instance, Published
from tests.kills import Ordeal, Release
from tests.steps import PROGRAMS, Steps

pytestmark = pytest.mark.timeout(600)


@dataclass
class ProcessHost:
    """An instance made of processes: see tests.kills.Host."""

    instance: Instance
    steps: Steps = field(init=False)

    def __post_init__(self) -> None:
        directory = self.instance.root.parent
        self.steps = Steps(directory / "steps")
        programs, real = directory / "bin", directory / "real"
        real.mkdir()
        ours = [each for each in programs.iterdir() if each.name in PROGRAMS]
        self.steps.watch(programs, {each.name: str(each.rename(real / each.name)) for each in ours})

    def publish(self, generation: int) -> Release:
        release = self.instance.publish(f"v{generation}", spoil=_is_healthy_at_once)
        self.instance.promote(release, generation)
        return release

    def order(self, subcommand: str, release: Release | None, generation: int | None) -> Finished:
        published = Published(release.version, release.manifest_sha256, "") if release else None
        return self.instance.start(subcommand, published, generation).wait()

    def serves(self) -> str:
        return self.instance.get()[1].partition(" ")[0]

    def state(self) -> Mapping[str, str]:
        return self.instance.state()

    def containers(self) -> Collection[str]:
        return sorted(self.instance.containers())

    def leftovers(self) -> Collection[str]:
        home, private = self.instance.home, self.instance.root / "run/deployer/Orange"
        kept = {"release.json", "activate", "files", ".env"}
        release = [each for each in (home / "releases" / self.state()["version"]).iterdir() if each.name not in kept]
        beside = [each for each in home.iterdir() if each.name not in ("state", "releases")]
        return [str(each) for each in (*release, *beside, *private.iterdir()) if each.suffix != ".env"]

    def lock_is_free(self) -> bool:
        with (self.instance.root / "run/lock/deployer-Orange.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True


def _is_healthy_at_once(manifest: dict[str, Any]) -> None:
    """One success is enough: hundreds of activations need not wait for a second one."""
    manifest["health"]["successes"] = 1


@pytest.fixture
def ordeal(instance: Instance) -> Ordeal:
    return Ordeal.of(ProcessHost(instance))


def test_an_activation(ordeal: Ordeal) -> None:
    killed = ordeal.everywhere("activate", far_enough=lambda step: step == "")

    assert any(" up " in step for step in killed)


def test_a_prefetch(ordeal: Ordeal) -> None:
    killed = ordeal.everywhere("prefetch", far_enough=lambda step: step == "", settle_every=5)

    assert any("docker pull" in step for step in killed)


def test_a_boot_until_it_hands_over(ordeal: Ordeal) -> None:
    killed = ordeal.everywhere("boot", far_enough=lambda step: "/releases/v" in step)

    assert any("desired.json" in step for step in killed)
