"""Programs the local cloud starts, and what becomes of them when the cloud is gone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from localcloud.child import Child, start_time, stop_leftover
from localcloud.engine_command import EngineError


def pid_in(file: Path) -> int:
    return int(file.read_text().split()[0])


def test_a_program_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    child = Child(tmp_path, "broken")
    with pytest.raises(EngineError, match=r"broken did not start:\n  no such port"):
        child.start(["sh", "-c", "echo no such port; exit 1"], lambda: False)
    assert not (tmp_path / "broken.pid").exists()


def test_a_program_that_is_not_installed_is_reported_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no-such-program is not installed\n  run localcloud/install"):
        Child(tmp_path, "missing").start(["no-such-program"], lambda: True)


def test_a_program_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    child = Child(tmp_path, "slow")
    with pytest.raises(EngineError):
        child.start(["sh", "-c", "echo $$ >own; exec sleep 60"], lambda: False, patience=0.3)
    assert start_time(pid_in(tmp_path / "own")) is None


def test_a_program_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    child = Child(tmp_path, "stubborn")
    child.start(["sh", "-c", "trap '' TERM; echo >ready; while :; do sleep 1; done"], (tmp_path / "ready").exists)
    pid = pid_in(tmp_path / "stubborn.pid")
    stop_leftover(tmp_path / "stubborn.pid", patience=0.2)
    assert start_time(pid) is None


def test_a_stranger_with_the_same_process_id_is_left_alone(tmp_path: Path) -> None:
    child = Child(tmp_path, "program")
    child.start(["sleep", "60"], lambda: True)
    pid = pid_in(tmp_path / "program.pid")
    (tmp_path / "program.pid").write_text(f"{pid} 1\n")
    stop_leftover(tmp_path / "program.pid")
    assert start_time(pid) is not None
    os.kill(pid, signal.SIGKILL)
    child.stop()


def test_a_damaged_pid_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "program.pid").write_text("")
    stop_leftover(tmp_path / "program.pid")
