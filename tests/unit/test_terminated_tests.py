"""A run of the tests that is terminated, as a cancelled job's is, tidies up."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import eventually

TESTS = Path(__file__).parents[1]
LONG = """\
import pathlib, time, pytest

@pytest.fixture
def cloud():
    pathlib.Path("up").touch()
    yield
    pathlib.Path("up").unlink()

def test_long(cloud):
    pathlib.Path("runs").touch()
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_fixtures_are_torn_down_when_the_run_is_asked_to_end(tmp_path: Path, number: signal.Signals) -> None:
    shutil.copy(TESTS / "conftest.py", tmp_path)
    (tmp_path / "test_long.py").write_text(LONG)
    run = subprocess.Popen([sys.executable, "-m", "pytest", "--rootdir=."], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        eventually("the test runs, its fixture set up", (tmp_path / "runs").exists)

        run.send_signal(number)

        assert run.wait(timeout=30) == pytest.ExitCode.INTERRUPTED
        assert not (tmp_path / "up").exists()
    finally:
        run.kill()
