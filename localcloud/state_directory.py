"""What a cloud keeps on disk so that later commands find it: `cloud.pid`, `cloud.json`, `cloud.log`."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from localcloud.child import start_time
from localcloud.environment_file import write_private

AUTHORISED = "authorised.jsonl"
"""The record of what was asked of the account: localcloud.authorised."""
PARTS = ("instances", "programs", "registry", "load-balancer")
"""Directories of a cloud's parts in its state directory."""


@dataclass(frozen=True)
class Running:
    """A cloud that is up: where its control answers, and what a client needs."""

    origin: str
    control_token: str
    runtime: str
    headline: str
    environment: dict[str, str]


class StateDirectory:
    """One cloud's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.log = self.path / "cloud.log"
        self._pid = self.path / "cloud.pid"
        self._running = self.path / "cloud.json"
        self._runtime = self.path / "runtime"

    def claim(self, runtime: str) -> None:
        """Says that this process is the cloud and which runtime it uses, before anything is made."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self._runtime, runtime)
        write_private(self._pid, f"{os.getpid()} {start_time(os.getpid())}\n")

    def announce(self, running: Running) -> None:
        """Says that the cloud is ready."""
        write_private(self._running, json.dumps(asdict(running), indent=2) + "\n")

    def running(self) -> Running | None:
        """The cloud that is ready, or None."""
        if self.pid() is None or not self._running.exists():
            return None
        return Running(**json.loads(self._running.read_text()))

    def pid(self) -> int | None:
        """The cloud's process, if that very process still runs."""
        try:
            pid, started = self._pid.read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if start_time(int(pid)) == started else None

    def runtime(self) -> str:
        """The runtime whose leftovers may be here; empty when nothing was ever claimed."""
        return self._runtime.read_text().strip() if self._runtime.exists() else ""

    def release(self) -> None:
        """Nothing of a cloud is left but its log, for whoever asks what happened."""
        for each in (self._running, self._pid, self._runtime):
            each.unlink(missing_ok=True)

    def remove(self) -> None:
        """Removes what the parts kept, the log, and the directory unless somebody else keeps something in it."""
        for each in PARTS:
            shutil.rmtree(self.path / each, ignore_errors=True)
        for file in (self.log, self.path / "engine.log", self.path / AUTHORISED):
            file.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.rmdir()
