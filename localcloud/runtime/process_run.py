"""The processes of one instance: started, waited for, killed. They are told by DEPLOYER_ROOT in their environment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from localcloud.outputs import keep
from localcloud.runtime import Finished, Script

OWNER = "DEPLOYER_ROOT"


class ProcessRun:
    """A script under way in an instance's directory: see localcloud.runtime.Run."""

    def __init__(self, directory: Path, script: Script, environment: Mapping[str, str]) -> None:
        self._timeout = script.timeout
        self._lock = threading.Lock()
        self._killed = False
        self._finished: Finished | None = None
        self._script = directory / "runs" / f"{uuid.uuid4().hex}.sh"
        self._script.write_text(script.text)
        self._process = subprocess.Popen(
            ["sh", str(self._script)],
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def wait(self) -> Finished:
        with self._lock:
            if self._finished is None:
                self._finished = self._collect()
        return self._finished

    def kill(self) -> None:
        self._killed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _collect(self) -> Finished:
        try:
            stdout, stderr = self._process.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            stdout, stderr = self._process.communicate()
        self._script.unlink(missing_ok=True)
        code = self._process.returncode
        ended_by_itself = code >= 0 and not self._killed
        said, complained = stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace")
        keep("scripts", said, complained)
        return Finished(code if ended_by_itself else None, said, complained)


def start_detached(command: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path) -> None:
    """Starts a program in a session of its own, its output in `log`; a thread takes its exit status."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, name="user data", daemon=True).start()


def kill_everything(directory: Path, patience: float = 10) -> None:
    """SIGKILL to every process of the instance in `directory`; returns when none is left."""
    deadline = time.monotonic() + patience
    while left := list(processes_of(directory)):
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes of {directory.name} do not end: {left}")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def processes_of(directory: Path) -> Iterator[int]:
    """Ids of the running processes of the instance in `directory` (a zombie has no environment)."""
    mark = f"{OWNER}={directory / 'root'}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)
