"""The docker engine of this machine: the one that answers, else one started here.

There can be only one engine in a network namespace (a second one flushes the first one's firewall chains), so the one
started here serves the default socket, where every plain `docker` command finds it, and is shared: each cloud holds a
shared lock while it uses the engine, and the last one to leave stops it. The kernel drops the lock of a cloud that was
killed. An engine that was there before is used and never stopped.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_interface
from pathlib import Path

from localcloud.child import Child, stop_leftover
from localcloud.engine_command import EngineError, docker, engine_answers, search_path
from localcloud.engine_network import remember, restore

RUN = Path("/run/localcloud-engine")
DATA = Path("/var/lib/localcloud-engine")

# Not docker's own ranges, which the engines inside the instances would then have to avoid (see docker_instance/init).
BRIDGE = "10.200.0.1/24"
NETWORKS = "base=10.201.0.0/16,size=24"
STOPPING = 40
"""Seconds for the engine to stop its containers before it is killed."""


class Engine:
    """The right to use this machine's engine; `close` gives it up."""

    def __init__(self, description: str, lock: int | None) -> None:
        self.description = description
        self._lock = lock

    def close(self) -> None:
        """Stops the engine if it was started here and nobody else uses it; a second call does nothing."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        if os.geteuid() != 0:
            os.close(lock)
            return
        with _one_at_a_time():
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop()
            os.close(lock)


def ensure_engine(state_directory: Path) -> Engine:
    """A docker engine that plain `docker` commands reach; starts one if none answers (log: `state_directory`).

    Raises EngineError if none answers and none can be started here.
    """
    if os.geteuid() != 0:
        if not engine_answers():
            raise EngineError(_WHY_NOT)
        return Engine(_describe(), _hold())
    RUN.mkdir(mode=0o755, exist_ok=True)
    with _one_at_a_time():
        if not engine_answers():
            _start()
            _show_log(state_directory)
        return Engine(_describe(), _hold())


_WHY_NOT = (
    "no docker engine answers and only root may start one\n"
    "  start docker and join its group (then log in again), run as root, or use --runtime process"
)


def _describe() -> str:
    return "docker " + docker("version", "--format", "{{.Server.Version}}")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (RUN / "change.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _hold() -> int | None:
    """A file descriptor that holds the shared lock; None where no engine was ever started here."""
    users = RUN / "users.lock"
    with suppress(PermissionError):
        users.touch()
    try:
        lock = os.open(users, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def _show_log(state_directory: Path) -> None:
    state_directory.mkdir(parents=True, exist_ok=True)
    link = state_directory / "engine.log"
    link.unlink(missing_ok=True)
    link.symlink_to(RUN / "dockerd.log")


def _start() -> None:
    if "DOCKER_HOST" in os.environ:
        raise EngineError(f"no engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}\n  start it, or unset it")
    if not shutil.which("dockerd", path=search_path()):
        raise EngineError("no docker engine is installed\n  run localcloud/install, or use --runtime process")
    stop_leftover(RUN / "dockerd.pid", STOPPING)
    (RUN / "engine.pid").unlink(missing_ok=True)
    remember(RUN / "network.json")
    Child(RUN, "dockerd").start(_command(), engine_answers, patience=60)


def _command() -> list[str]:
    return [
        *("dockerd", "--host", "unix:///var/run/docker.sock"),
        *("--data-root", str(DATA), "--exec-root", str(RUN / "exec"), "--pidfile", str(RUN / "engine.pid")),
        *("--bip", BRIDGE, "--default-address-pool", NETWORKS, "--log-level", "warn"),
    ]


def _stop() -> None:
    if not (RUN / "dockerd.pid").exists():
        return
    stop_leftover(RUN / "dockerd.pid", STOPPING)
    Path("/var/run/docker.sock").unlink(missing_ok=True)
    restore(RUN / "network.json", str(ip_interface(BRIDGE).network))
    for place in (DATA, RUN / "exec"):
        shutil.rmtree(place, ignore_errors=True)
