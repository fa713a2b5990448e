"""A program of the cloud's own, started in the background and stopped by its process id.

Each leaves `NAME.pid` and `NAME.log` in its directory. The pid file also holds the process's start time, so that after
a crash of the cloud what is left can be stopped without ever hitting a stranger who was given the same id.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from localcloud.engine_command import EngineError, search_path


def start_time(pid: int) -> str | None:
    """The kernel's start time of a process (clock ticks since boot), None if it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


class Child:
    """One running program; `start` returns once `ready` says so."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self._directory / f"{self._name}.log"

    def start(
        self,
        command: Sequence[str],
        ready: Callable[[], bool],
        *,
        pass_fds: Sequence[int] = (),
        patience: float = 20,
    ) -> None:
        """Starts `command` in the child's directory. Raises EngineError if it ends or is not ready in `patience` s."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = self._spawn(command, log.fileno(), pass_fds)
        pid = self._process.pid
        (self._directory / f"{self._name}.pid").write_text(f"{pid} {start_time(pid)}\n")
        self._await(ready, time.monotonic() + patience)

    def _spawn(self, command: Sequence[str], log: int, fds: Sequence[int]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command,
                cwd=self._directory,
                env={**os.environ, "PATH": search_path()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=fds,
                # The terminal's Ctrl-C is for the cloud, which then stops its children in order.
                start_new_session=True,
            )
        except FileNotFoundError:
            raise EngineError(f"{command[0]} is not installed\n  run localcloud/install") from None

    def _await(self, ready: Callable[[], bool], deadline: float) -> None:
        while not ready():
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                last = self.log.read_text(errors="replace").strip().splitlines()[-5:]
                raise EngineError(f"{self._name} did not start:\n  " + "\n  ".join(last))
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends the program (SIGTERM, after 10 s SIGKILL) and forgets its pid file; a second call does nothing."""
        stop_leftover(self._directory / f"{self._name}.pid")
        if self._process is not None:
            self._process.wait()
            self._process = None


def stop_leftover(pid_file: Path, patience: float = 10) -> None:
    """Ends the process a pid file speaks of, if that very process still runs, and removes the file."""
    try:
        pid, started = pid_file.read_text().split()
    except (OSError, ValueError):
        return
    if start_time(int(pid)) == started:
        _end(int(pid), started, patience)
    pid_file.unlink(missing_ok=True)


def _end(pid: int, started: str, patience: float) -> None:
    deadline = time.monotonic() + patience
    os.kill(pid, signal.SIGTERM)
    while start_time(pid) == started:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            deadline += patience
        time.sleep(0.02)
