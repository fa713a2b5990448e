"""Orders killed on a real engine: at every change of a file, and before, amid and after what docker does."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from localcloud.registry import Registry
from localcloud.runtime import Finished
from tests.e2e.real_instance import APP, HOME, NAME, Published, RealInstance, real_instance
from tests.kills import Ordeal, Release
from tests.steps import AFTER, DURING, Steps

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(500)]

MOMENTS = {"docker compose": (DURING, AFTER), "docker pull": (AFTER,)}
LEFTOVERS = f"""
cd {HOME} && ls -A | grep -vx -e state -e releases
cd "releases/$(sed -n 's/^version=//p' state)" && ls -A | grep -vx -e release.json -e activate -e files -e .env
cd /run/deployer/{APP} && ls -A | grep -v '[.]env$'
true
"""


@dataclass
class RealHost:
    """An instance with an engine of its own: see tests.kills.Host."""

    instance: RealInstance
    directory: Path
    steps: Steps = field(init=False)

    def __post_init__(self) -> None:
        programs = self.directory / "programs"
        self.steps = Steps(self.directory / "instances" / NAME / "steps", "/run/localcloud/steps")
        self.steps.watch(programs, {}, ("docker", "mv"))

    def publish(self, generation: int) -> Release:
        return self.instance.publish(f"v{generation}", words=("--parameters", "/orange/env"))

    def order(self, subcommand: str, release: Release | None, generation: int | None) -> Finished:
        self.instance.generation = generation or self.instance.generation
        named = Published(release.version, release.manifest_sha256, "") if release else Published("", "", "")
        return self.instance.start(subcommand, named).wait()

    def serves(self) -> str:
        return self.instance.page()

    def state(self) -> Mapping[str, str]:
        return self.instance.state()

    def containers(self) -> Collection[str]:
        return self.instance.says("docker ps --all --format '{{.Names}}'").split()

    def leftovers(self) -> Collection[str]:
        return self.instance.says(LEFTOVERS).split()

    def lock_is_free(self) -> bool:
        return self.instance.sh(f"flock -n /run/deployer/deployer-{APP}.lock true").exit_code == 0


@pytest.fixture
def ordeal(tmp_path: Path) -> Iterator[Ordeal]:
    registry = Registry(tmp_path)
    registry.start()
    try:
        with real_instance(tmp_path, registry) as instance:
            instance.ssm.put_parameter(
                Name="/orange/env", Value="GREETING=hello\n", Type="SecureString", Overwrite=True
            )
            ordeal = Ordeal.of(RealHost(instance, tmp_path))
            ordeal.more_moments = MOMENTS
            yield ordeal
    finally:
        registry.stop()


def test_an_activation(ordeal: Ordeal) -> None:
    killed = ordeal.everywhere("activate", far_enough=lambda step: step == "")

    assert {step.split()[1] for step in killed if step.startswith("docker")} == {"pull", "compose", "image"}
