"""What can go wrong on request: each fault by its name, with what it does and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from localcloud.aws.fleet import Fleet
from localcloud.aws.run_command import RunCommand


class UnknownFault(Exception):
    """There is no such fault, or no such instance."""


@dataclass(frozen=True)
class Parts:
    """What faults act on."""

    fleet: Fleet
    run_command: RunCommand


@dataclass(frozen=True)
class Fault:
    """One fault: what it is, how it starts, and how it ends (None: it cannot be taken back)."""

    about: str
    start: Callable[[Parts, str], None]
    end: Callable[[Parts, str], None] | None = None


def _silence(parts: Parts, instance_id: str) -> None:
    parts.run_command.agents[instance_id].silence()


def _resume(parts: Parts, instance_id: str) -> None:
    parts.run_command.agents[instance_id].resume()


def _die(parts: Parts, instance_id: str) -> None:
    parts.fleet.kill_machine(instance_id)


FAULTS = {
    "silent-agent": Fault("the SSM agent takes no command and reports nothing; what runs goes on", _silence, _resume),
    "instance-dies": Fault("the machine is gone at once, EC2 says terminated", _die),
}


def inject(parts: Parts, name: str, instance_id: str, *, clear: bool = False) -> str:
    """Starts a fault on an instance, or takes it back; answers what happened. Raises UnknownFault."""
    fault = FAULTS.get(name)
    if fault is None:
        raise UnknownFault(f"there is no fault {name!r}; there are: {', '.join(FAULTS)}")
    if instance_id not in parts.run_command.agents:
        raise UnknownFault(f"there is no instance {instance_id!r} with a running agent")
    if not clear:
        fault.start(parts, instance_id)
        return f"{instance_id}: {fault.about}"
    if fault.end is None:
        raise UnknownFault(f"{name} cannot be taken back")
    fault.end(parts, instance_id)
    return f"{instance_id}: {name} is over"
