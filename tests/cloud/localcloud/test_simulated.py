"""Simulated instances: a rollout cannot tell them from real ones, and they take the time they are told to."""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from localcloud.runtime import Finished, Script
from localcloud.runtime.simulated import Pace, Range, SimulatedRuntime
from tests.cloud.conftest import StartCloud
from tests.cloud.delivery import Delivery

QUICK = Pace(prefetch=Range(0.2, 0.2), activate=Range(0.5, 0.1), status=Range(0.0))


@pytest.fixture
def runtime() -> SimulatedRuntime:
    one = SimulatedRuntime(Pace(Range(0.0), Range(0.0), Range(0.0)))
    one.boot("i-1", "", 0)
    return one


def order(subcommand: str, version: str = "v1", generation: int = 1, timeout: int = 60) -> Script:
    environment = {
        "SSM_Subcommand": subcommand,
        "SSM_Version": version,
        "SSM_ManifestSha256": "0" * 64,
        "SSM_Generation": str(generation),
    }
    return Script("", environment, timeout)


def marker(finished: Finished) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(finished.stdout.removeprefix("deployer: "))
    return found


def test_a_rollout_and_the_one_after_it_reach_every_instance(start_cloud: StartCloud, tmp_path: Path) -> None:
    cloud = start_cloud(instances=6, runtime="simulated", pace=QUICK, target_group=True)
    assert isinstance(cloud.runtime, SimulatedRuntime)
    delivery = Delivery(cloud, tmp_path / "application")
    for version in ("v1", "v2"):
        delivery.publish(version)
        done = delivery.run("rollout", "--version", version, "--max-unavailable", "3")
        assert done.returncode == 0, done.stderr
        assert set(cloud.runtime.runs().values()) == {version}
        assert set(delivery.in_service()) == delivery.registered()
    activations = [each for each in cloud.runtime.done() if each.subcommand == "activate" and each.version == "v2"]
    assert len(activations) == 6
    assert all(0.45 <= each.seconds < 2 for each in activations)


def test_an_order_changes_what_the_instance_says_it_runs(runtime: SimulatedRuntime) -> None:
    assert marker(runtime.run("i-1", order("prefetch")).wait())["version"] == ""
    told = marker(runtime.run("i-1", order("activate")).wait())
    assert (told["outcome"], told["version"], told["generation"]) == ("activated", "v1", 1)
    assert marker(runtime.run("i-1", order("activate", generation=2)).wait())["outcome"] == "unchanged"
    assert marker(runtime.run("i-1", order("status")).wait())["generation"] == 2


def test_an_order_of_an_older_generation_is_fenced(runtime: SimulatedRuntime) -> None:
    runtime.run("i-1", order("activate", "v2", generation=2)).wait()
    late = runtime.run("i-1", order("activate", "v1", generation=1)).wait()
    assert (late.exit_code, marker(late)["outcome"], marker(late)["version"]) == (1, "fenced", "v2")


def test_what_is_killed_leaves_no_marker_and_nobody_knows_what_runs() -> None:
    runtime = SimulatedRuntime(Pace(activate=Range(600)))
    runtime.boot("i-1", "", 0)
    run = runtime.run("i-1", order("activate", timeout=3600))
    ended: list[Finished] = []
    waiting = threading.Thread(target=lambda: ended.append(run.wait()))
    waiting.start()
    run.kill()
    waiting.join(10)
    assert [(each.exit_code, each.stdout) for each in ended] == [(None, "")]
    assert runtime.runs() == {"i-1": ""}


def test_the_same_seed_draws_the_same_times() -> None:
    drawn = []
    for seed in (1, 1, 2):
        chance = random.Random(seed)  # noqa: S311  # what it is for
        drawn.append([Range(60, 0.1).draw(chance) for _ in range(3)])
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(54 <= each <= 66 for times in drawn for each in times)
