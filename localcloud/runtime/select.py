"""Which machines play the instances: real engines where one answers, else private directories."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from localcloud.child import stop_leftover
from localcloud.engine import Engine, ensure_engine
from localcloud.engine_command import EngineError, docker, engine_answers, search_path
from localcloud.options import CloudOptions
from localcloud.registry import Registry as DockerRegistry
from localcloud.runtime import Runtime
from localcloud.runtime.docker import DockerRuntime
from localcloud.runtime.docker import remove_leftovers as remove_containers
from localcloud.runtime.process import ProcessRuntime
from localcloud.runtime.process_registry import ProcessRegistry
from localcloud.runtime.simulated import SimulatedRuntime

NAMES = ("docker", "process")
SIMULATED = "simulated"
"""Not among the names a person chooses from: its instances run nothing."""
COMPANIONS = ("docker-registry", "haproxy", "busybox")
"""What the docker runtime, or an image made from nothing, needs beside the engine; localcloud/install brings it."""
CHILDREN = ("registry/docker-registry.pid", "load-balancer/haproxy.pid")
"""Pid files of the programs a cloud starts, in its state directory."""


class Registry(Protocol):
    """Where images are pushed to and instances pull from."""

    port: int

    @property
    def address(self) -> str:
        """HOST:PORT as in image names."""

    def start(self) -> None:
        """Returns once it listens; the port is known from then on."""

    def stop(self) -> None:
        """Stops it; a second call does nothing."""


@dataclass(frozen=True)
class Choice:
    """A runtime's name, and why it was taken."""

    name: str
    reason: str


def choose(asked: str) -> Choice:
    """The runtime asked for, else docker where an engine and all that goes with it are there, else process."""
    if asked:
        return Choice(asked, "as asked")
    if not engine_answers():
        return Choice("process", "no docker engine answers here; a stand-in plays docker on each instance")
    if missing := _missing_companions():
        return Choice("process", f"a docker engine answers, but no {' and no '.join(missing)} (see localcloud/install)")
    return Choice("docker", "a docker engine answers here")


def _missing_companions() -> list[str]:
    missing = [each for each in COMPANIONS if not shutil.which(each, path=search_path())]
    try:
        docker("compose", "version")
    except EngineError:
        missing.append("docker compose")
    return missing


def hold_engine(name: str, state_directory: Path) -> Engine | None:
    """The engine the docker runtime needs, started where none answers; None for the process runtime."""
    return ensure_engine(state_directory) if name == "docker" else None


def make_registry(name: str, state_directory: Path) -> Registry:
    """The registry that goes with the runtime, not started yet."""
    return DockerRegistry(state_directory) if name == "docker" else ProcessRegistry()


def make_runtime(
    name: str, options: CloudOptions, environment: Mapping[str, str], forwarded_ports: Sequence[int]
) -> Runtime:
    """The machines of one cloud.

    `environment` goes into every script and into user data; on `forwarded_ports` of each instance's loopback this
    machine's loopback answers.
    """
    if name == SIMULATED:
        return SimulatedRuntime(options.pace)
    if name == "docker":
        return DockerRuntime(options.state_directory, environment, forwarded_ports, options.engines)
    return ProcessRuntime(options.state_directory, environment, forwarded_ports)


def remove_leftovers(name: str, state_directory: Path) -> None:
    """Removes what a cloud that is gone has left of its machines and programs."""
    for each in CHILDREN:
        stop_leftover(state_directory / each)
    engine = hold_engine(name, state_directory)
    if engine is None:
        ProcessRuntime(state_directory, {}, ()).close()
        return
    remove_containers(state_directory)
    engine.close()
