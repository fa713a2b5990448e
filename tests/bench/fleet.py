"""A rollout of a large group by the real command line, on simulated instances behind the real API."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from localcloud.aws.calls import Call
from localcloud.cloud import Cloud
from localcloud.options import CloudOptions
from localcloud.runtime.simulated import Pace, Range, SimulatedRuntime
from tests.bench.bound import lower_bound
from tests.cloud.delivery import ROOT, Delivery

MOST_CALLS = 0.35
"""API calls per instance; promised for LARGE groups only, as a small one is looked at as often."""
LARGE = 1000
MOST_MEMORY = 200
"""MB of the command's peak."""
LONGEST = 1.10
"""Times the lower bound."""
PACE = Pace(prefetch=Range(10, 0.2), activate=Range(60, 0.05), seed=20)
"""Seconds."""
ROUNDS = 3
"""The window is a third of what is left after the canary: no part of a round is wasted."""


@dataclass(frozen=True)
class Measured:
    """What one rollout took."""

    size: int
    window: int
    exit_code: int
    seconds: float
    memory: float
    """MB."""
    calls: Counter[Call]
    bound: float
    """Seconds."""


def main(size: int) -> bool:
    """Prints what a rollout of `size` instances took; True if all is within its limits."""
    with tempfile.TemporaryDirectory() as folder:
        options = CloudOptions(
            Path(folder) / "cloud",
            instances=size,
            app="fleet",
            runtime="simulated",
            pace=PACE,
            user_data="",
            launch_hook=False,
        )
        with Cloud(options) as cloud:
            delivery = Delivery(cloud, Path(folder) / "application")
            delivery.publish("v1")
            return _told(_roll_out(delivery, size, Path(folder) / "log"))


def _roll_out(delivery: Delivery, size: int, log: Path) -> Measured:
    cloud, window = delivery.cloud, max(1, (size - 1) // ROUNDS)
    assert isinstance(cloud.runtime, SimulatedRuntime)
    before = cloud.server.calls.counted()
    words = ["rollout", "--version", "v1", "--max-unavailable", str(window), "--canary", "1"]
    done = subprocess.run(
        [sys.executable, "-I", str(Path(__file__).parent / "measured.py"), str(log), str(ROOT / "scripts/run"), *words],
        env=delivery.environment,
        cwd=delivery.folder,
        stdout=subprocess.PIPE,
        check=True,
    )
    told = json.loads(done.stdout)
    calls = cloud.server.calls.counted() - before
    if told["exit_code"]:
        print(log.read_text()[-2000:])  # noqa: T201
    bound = lower_bound(cloud.runtime.done(), window)
    return Measured(size, window, told["exit_code"], told["seconds"], told["peak_kib"] / 1000, calls, bound)


def _told(measured: Measured) -> bool:
    calls = sum(measured.calls.values()) / measured.size
    slowness = measured.seconds / measured.bound
    print(f"{measured.size} instances, {measured.window} at a time: exit code {measured.exit_code}")  # noqa: T201
    good = [
        measured.exit_code == 0,
        _line("API calls per instance", calls, MOST_CALLS if measured.size >= LARGE else math.inf, ""),
        _line("peak memory", measured.memory, MOST_MEMORY, " MB"),
        _line(f"{measured.seconds:.1f} s ÷ {measured.bound:.1f} s of work", slowness, LONGEST, ""),
    ]
    for call, count in measured.calls.most_common():
        print(f"    {count:6}  {call}")  # noqa: T201
    return all(good)


def _line(name: str, value: float, limit: float, unit: str) -> bool:
    mark = "✓" if value <= limit else "✗"
    bounded = f"(limit {limit:g}{unit})" if math.isfinite(limit) else "(no limit)"
    print(f"{mark} {name:40} {value:6.2f}{unit}  {bounded}")  # noqa: T201
    return value <= limit
