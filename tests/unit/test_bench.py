"""How the benchmark reckons."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from localcloud.runtime.simulated import Work
from tests.bench import measured
from tests.bench.bound import lower_bound


def test_the_lower_bound_is_the_slowest_prefetch_the_canary_and_the_rest_divided_by_the_window() -> None:
    prefetches = [Work(f"i-{number}", "prefetch", "v1", 0, 8 + number) for number in range(3)]
    canary = Work("i-0", "activate", "v1", 10, 70)
    rest = [Work("i-1", "activate", "v1", 70, 130), Work("i-2", "activate", "v1", 70, 110)]
    assert lower_bound([*prefetches, *rest, canary], window=2) == 10 + 60 + (60 + 40) / 2


def test_a_command_is_measured_on_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    words = ["/bin/sh", "-c", "echo said; exit 3"]
    command = [sys.executable, "-I", str(measured.__file__), str(log), *words]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert told["exit_code"] == 3
    assert 0 < told["peak_kib"] < 20_000
    assert log.read_text() == "said\n"
