"""What the launcher and the command line cost, against what they may cost."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = str(ROOT / "scripts" / "run")
REPEATS = 9


@dataclass(frozen=True)
class Measure:
    """Something with a limit in seconds; `once` returns the seconds one run took."""

    name: str
    limit: float
    once: Callable[[], float]
    repeats: int = REPEATS


def seconds(command: list[str], **variables: str) -> float:
    started = time.perf_counter()
    subprocess.run(command, env={**os.environ, **variables}, check=True, capture_output=True)
    return time.perf_counter() - started


def cold() -> float:
    """A fresh machine: no environment, and no cache of packages either."""
    with tempfile.TemporaryDirectory() as empty:
        fresh: Mapping[str, str] = {
            name: f"{empty}/{name}" for name in ("RUNNER_TEMP", "UV_CACHE_DIR", "PIP_CACHE_DIR", "XDG_CACHE_HOME")
        }
        return seconds([RUN, "--version"], **fresh)


def measures(cache: str) -> tuple[Measure, ...]:
    python = [sys.executable, "-m", "deployer", "--help"]
    return (
        Measure("scripts/run --version, fresh machine", 4.0, cold, 3),
        Measure("scripts/run --version, warm", 0.3, lambda: seconds([RUN, "--version"], RUNNER_TEMP=cache)),
        Measure("python -m deployer --help", 0.2, lambda: seconds(python, PYTHONPATH=str(ROOT / "scripts"))),
    )


def main() -> bool:
    """Prints the medians; True if all are within their limits."""
    slow = 0
    with tempfile.TemporaryDirectory() as cache:
        seconds([RUN, "--version"], RUNNER_TEMP=cache)
        for measure in measures(cache):
            median = statistics.median(measure.once() for _ in range(measure.repeats))
            slow += median > measure.limit
            mark = "✓" if median <= measure.limit else "✗"
            print(f"{mark} {measure.name:40} {median:6.2f} s  (limit {measure.limit:g} s)")  # noqa: T201
    return not slow
