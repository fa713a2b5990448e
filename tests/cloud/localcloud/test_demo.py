"""The demo, which is the first thing a newcomer runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cloud.delivery import ROOT


@pytest.mark.timeout(300)
def test_it_ends_as_it_promises() -> None:
    demo = [sys.executable, "-m", "localcloud.demo", "--runtime", "process"]
    done = subprocess.run(demo, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "demo: ok"), done.stdout + done.stderr
