"""One script in one instance, as the SSM agent runs it (docker_instance/agent is its other half)."""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from localcloud.outputs import keep
from localcloud.runtime import PATH, Finished, Script

_KILL = """\
until [ -e "$1/group" ]; do [ -d "$1" ] || exit 0; sleep 0.05; done
kill -s KILL -- "-$(cat "$1/group")"
"""

_GRACE = 5
"""Seconds after a kill until output is no longer waited for: a process that left the group may hold it open."""


def exports(environment: Mapping[str, str]) -> str:
    """Shell lines that export PATH and `environment`; a file, so that no value is ever seen in a process list."""
    for name in environment:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"{name!r} cannot be the name of an environment variable")
    pairs = {"PATH": PATH, **environment}
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in pairs.items())


class NoRun:
    """What a script in a machine that is gone comes to."""

    def wait(self) -> Finished:
        return Finished(None, "", "")

    def kill(self) -> None:
        """Nothing to kill."""


class DockerRun:
    """A script under way: see localcloud.runtime.Run."""

    def __init__(self, container: str, outside: Path, inside: str, script: Script, machine: Mapping[str, str]) -> None:
        outside.mkdir()
        (outside / "script").write_text(script.text)
        (outside / "environment").touch(mode=0o600)
        (outside / "environment").write_text(exports({**machine, **script.environment}))
        self._container = container
        self._outside = outside
        self._inside = inside
        self._timeout = script.timeout
        self._lock = threading.Lock()
        self._finished: Finished | None = None
        self._process = self._exec("/opt/localcloud/agent", inside)

    def _exec(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["docker", "exec", self._container, *command],
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

    def _collect(self) -> Finished:
        try:
            stdout, stderr = self._process.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            stdout, stderr = self._process.communicate()
        said, complained = stdout.decode(errors="replace"), stderr.decode(errors="replace")
        keep("scripts", said, complained)
        return Finished(self._exit_code(), said, complained)

    def _exit_code(self) -> int | None:
        """What the agent wrote when the script ended by itself; killed with the script, it writes nothing."""
        try:
            return int((self._outside / "exit_code").read_text())
        except FileNotFoundError:
            return None

    def kill(self) -> None:
        if self._process.poll() is None:
            threading.Thread(target=self._kill, daemon=True).start()

    def _kill(self) -> None:
        self._exec("sh", "-c", _KILL, "sh", self._inside).communicate()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
