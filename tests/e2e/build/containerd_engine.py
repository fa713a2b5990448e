"""A second, newer docker engine with the containerd image store, which alone makes attestations, indexes and caches.

It builds and pushes, and runs nothing: it has no bridge and leaves the firewall alone, so that it does not meet the
machine's own engine (docs/decisions/0007-one-engine-a-machine.md). A `RUN` in its Dockerfiles takes `--network=none`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from localcloud.child import Child
from localcloud.engine_command import EngineError, docker, search_path

MODERN = "/usr/local/lib/localcloud/engine"
"""Where localcloud/install puts it on a machine whose own engine is too old."""


@contextmanager
def containerd_engine(folder: Path) -> Iterator[str]:
    """The engine's address, as DOCKER_HOST takes it."""
    (folder / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    address = f"unix://{folder}/docker.sock"
    child = Child(folder, "dockerd")
    child.start(_command(folder, address), lambda: _answers(address), patience=90)
    try:
        yield address
    finally:
        child.stop()
        rmtree(folder / "data", ignore_errors=True)


def _command(folder: Path, address: str) -> list[str]:
    return [
        *("env", f"PATH={MODERN}:{search_path()}", "dockerd", "--config-file", str(folder / "daemon.json")),
        *("--host", address, "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
        *("--pidfile", str(folder / "engine.pid"), "--bridge=none", "--iptables=false", "--ip6tables=false"),
        *("--ip-forward=false", "--log-level=warn"),
    ]


def _answers(address: str) -> bool:
    try:
        return docker("--host", address, "version", "--format", "{{.Server.Version}}") != ""
    except EngineError:
        return False
