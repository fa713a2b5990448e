"""What can go wrong on request: each fault by its name, what it does, what it has to be told, how it is taken back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.aws import disturbances
from localcloud.aws.agent import Agent
from localcloud.aws.disturbances import Disturbance, Disturbances, Effect
from localcloud.aws.fleet import Fleet
from localcloud.aws.run_command import RunCommand
from localcloud.aws.target_health import TargetHealth
from localcloud.runtime import Runtime
from localcloud.runtime.process import ProcessRuntime
from localcloud.runtime.process_registry import ProcessRegistry, Slowness
from localcloud.runtime.select import Registry

LONGEST_PULL = 30
"""Seconds a registry may take to answer before docker gives up."""


class UnknownFault(Exception):
    """There is no such fault, or it cannot be had as asked for; the text says what can."""


@dataclass(frozen=True)
class Parts:
    """What faults act on."""

    fleet: Fleet
    run_command: RunCommand
    targets: TargetHealth
    disturbances: Disturbances
    runtime: Runtime
    registry: Registry


@dataclass(frozen=True)
class Asked:
    """A fault as somebody wants it."""

    name: str
    instance: str = ""
    operation: str = ""
    """`ssm:SendCommand`, `ssm`, or empty for every call."""
    calls: int | None = None
    seconds: float | None = None
    clear: bool = False
    """It is to end."""


@dataclass(frozen=True)
class Fault:
    """One fault. `needs` and `may` name what of Asked it takes; without an `end` it cannot be taken back."""

    about: str
    start: Callable[[Parts, Asked], None]
    end: Callable[[Parts, Asked], None] | None = None
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


def inject(parts: Parts, asked: Asked) -> str:
    """Starts a fault, or takes it back; answers what happened. Raises UnknownFault."""
    fault = FAULTS.get(asked.name)
    if fault is None:
        raise UnknownFault(f"there is no fault {asked.name!r}; there are: {', '.join(FAULTS)}")
    _check(parts, asked, fault)
    where = asked.instance or asked.operation or "the cloud"
    if not asked.clear:
        fault.start(parts, asked)
        return f"{where}: {fault.about}"
    if fault.end is None:
        raise UnknownFault(f"{asked.name} cannot be taken back")
    fault.end(parts, asked)
    return f"{where}: {asked.name} is over"


def described() -> list[str]:
    """Every fault with what it does and what it takes, a line each."""
    lines = []
    for name, fault in FAULTS.items():
        options = [f"--{each}" for each in fault.needs] + [f"[--{each}]" for each in fault.may]
        lines.append(f"{name:<19} {fault.about}" + (f"  {' '.join(options)}" if options else ""))
    return lines


def _check(parts: Parts, asked: Asked, fault: Fault) -> None:
    given = {name: getattr(asked, name) for name in ("instance", "operation", "calls", "seconds")}
    given = {name: value for name, value in given.items() if value not in (None, "")}
    needed = [each for each in fault.needs if each == "instance" or not asked.clear]
    if missing := [each for each in needed if each not in given]:
        raise UnknownFault(f"{asked.name} needs --{missing[0]}")
    if unused := [each for each in given if each not in (*fault.needs, *fault.may)]:
        raise UnknownFault(f"{asked.name} takes no --{unused[0]}")
    if "instance" in given and asked.instance not in parts.run_command.agents:
        raise UnknownFault(f"there is no instance {asked.instance!r} with a running agent")


# of instances


def _agent(parts: Parts, asked: Asked) -> Agent:
    return parts.run_command.agents[asked.instance]


def _die(parts: Parts, asked: Asked) -> None:
    parts.fleet.kill_machine(asked.instance)


def _silence(parts: Parts, asked: Asked) -> None:
    _agent(parts, asked).silence()


def _resume(parts: Parts, asked: Asked) -> None:
    _agent(parts, asked).resume()


def _duplicate(parts: Parts, asked: Asked) -> None:
    _agent(parts, asked).duplicate(asked.calls or 1, asked.seconds or 0.0)


def _stop_duplicating(parts: Parts, asked: Asked) -> None:
    _agent(parts, asked).duplicate(0, 0.0)


def _lose_answers(parts: Parts, asked: Asked) -> None:
    _agent(parts, asked).lose_answers(asked.calls or 1)


def _stop_losing(parts: Parts, asked: Asked) -> None:
    _agent(parts, asked).lose_answers(0)


def _fail_checks(parts: Parts, asked: Asked) -> None:
    parts.targets.failing.add(asked.instance)


def _pass_checks(parts: Parts, asked: Asked) -> None:
    parts.targets.failing.discard(asked.instance)


def _sicken(parts: Parts, asked: Asked) -> None:
    _processes(parts, asked).sicken(asked.instance)


def _heal(parts: Parts, asked: Asked) -> None:
    _processes(parts, asked).heal(asked.instance)


def _processes(parts: Parts, asked: Asked) -> ProcessRuntime:
    if not isinstance(parts.runtime, ProcessRuntime):
        raise UnknownFault(f"{asked.name} is for stand-in containers only; this is the {parts.runtime.name} runtime")
    return parts.runtime


# of the registry


def _slow_down(parts: Parts, asked: Asked) -> None:
    seconds = asked.seconds or 0.0
    if not 0 < seconds <= LONGEST_PULL:
        raise UnknownFault(f"slow-pull takes up to {LONGEST_PULL} seconds: docker gives up a registry that is slower")
    _slowness(parts, asked).seconds = seconds


def _speed_up(parts: Parts, asked: Asked) -> None:
    _slowness(parts, asked).seconds = 0.0


def _slowness(parts: Parts, asked: Asked) -> Slowness:
    if not isinstance(parts.registry, ProcessRegistry):
        raise UnknownFault(f"{asked.name} is for stand-in images only; this is the {parts.runtime.name} runtime")
    return parts.registry.slowness


# of calls


def _disturb(effect: Effect) -> Callable[[Parts, Asked], None]:
    def start(parts: Parts, asked: Asked) -> None:
        until = None if asked.seconds is None else time.monotonic() + asked.seconds
        calls = 1 if asked.calls is None and until is None else asked.calls
        parts.disturbances.add(Disturbance(asked.name, effect, asked.operation, calls, until))

    return start


def _undisturb(parts: Parts, asked: Asked) -> None:
    parts.disturbances.remove(asked.name)


def _of_calls(about: str, effect: Effect, **taken: Any) -> Fault:
    options: dict[str, Any] = {"may": ("operation", "calls", "seconds"), **taken}
    return Fault(about, _disturb(effect), _undisturb, **options)


_INSTANCE = ("instance",)
FAULTS: Mapping[str, Fault] = {
    "instance-dies": Fault("the machine is gone at once, EC2 says terminated", _die, None, _INSTANCE),
    "silent-agent": Fault(
        "the SSM agent takes no command and reports nothing; what runs goes on", _silence, _resume, _INSTANCE
    ),
    "duplicate-delivery": Fault(
        "the agent runs the next commands (1) twice, the second time so many seconds (0) after the first ended",
        _duplicate,
        _stop_duplicating,
        _INSTANCE,
        ("calls", "seconds"),
    ),
    "lost-answer": Fault(
        "the agent carries out the next commands (1), and SSM says DeliveryTimedOut of them",
        _lose_answers,
        _stop_losing,
        _INSTANCE,
        ("calls",),
    ),
    "unhealthy": Fault("the application answers every request with 503", _sicken, _heal, _INSTANCE),
    "target-unhealthy": Fault(
        "the load balancer's health checks fail there, whatever the application answers",
        _fail_checks,
        _pass_checks,
        _INSTANCE,
    ),
    "slow-pull": Fault(
        "the registry answers so many seconds late for every image", _slow_down, _speed_up, ("seconds",)
    ),
    "throttling": _of_calls(
        "the next calls (1), or all for so many seconds, are refused with ThrottlingException", disturbances.throttle
    ),
    "s3-conflict": _of_calls(
        "the next conditional writes (1) are refused with 409 ConditionalRequestConflict",
        disturbances.conflict,
        may=("calls", "seconds"),
    ),
    "lost-reply": _of_calls(
        "the next calls (1) are carried out, and the connection is dropped", disturbances.lost_reply
    ),
    "server-error": _of_calls("the next calls (1) are carried out, and answered with 500", disturbances.server_error),
}
