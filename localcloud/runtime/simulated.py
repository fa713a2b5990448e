"""Instances as values in memory, for groups larger than a machine can hold: an order takes its time and is answered.

No script runs and nothing serves: what an order says is read from the variables of the SSM document, and the answer is
the marker a real instance would end with. User data is ignored. Never chosen unless asked for by name.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.runtime import Finished, Machine, Run, Script

ADDRESS = "127.0.0.1"
"""Of every machine: nothing listens there on their behalf."""


@dataclass(frozen=True)
class Range:
    """Seconds something takes, give or take a share of it: `Range(60, 0.1)` is 54 to 66."""

    mean: float
    spread: float = 0.0

    def draw(self, chance: random.Random) -> float:
        """One value, each as likely as any other."""
        return self.mean * (1 + chance.uniform(-self.spread, self.spread))


@dataclass(frozen=True)
class Pace:
    """How long the orders take; `seed` makes the same draws again."""

    prefetch: Range = Range(10, 0.2)
    activate: Range = Range(60, 0.1)
    status: Range = Range(0.1)
    seed: int = 0

    def of(self, subcommand: str) -> Range:
        """What a subcommand of the loader takes."""
        return {"prefetch": self.prefetch, "activate": self.activate, "down": self.activate}.get(
            subcommand, self.status
        )


@dataclass(frozen=True)
class Work:
    """One order as it was carried out; times by the monotonic clock."""

    instance_id: str
    subcommand: str
    version: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


@dataclass
class _State:
    """What an instance has recorded; with no version nothing runs, or nobody knows what."""

    version: str = ""
    manifest_sha256: str = ""
    generation: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    """The host lock of `activate`: one order that changes something at a time."""


class SimulatedRuntime:
    """The machines of one cloud as values: see localcloud.runtime.Runtime."""

    name = "simulated"

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._chance = random.Random(pace.seed)  # noqa: S311  # the same times again, not a secret
        self._lock = threading.Lock()
        self._states: dict[str, _State] = {}
        self._work: list[Work] = []

    def boot(self, instance_id: str, user_data: str, metadata_port: int) -> Machine:
        del user_data, metadata_port
        self._states[instance_id] = _State()
        return Machine(instance_id, ADDRESS)

    def run(self, instance_id: str, script: Script) -> Run:
        state = self._states[instance_id]
        order = _Order.of(script.environment)
        with self._lock:
            seconds = self._pace.of(order.subcommand).draw(self._chance)
        return _SimulatedRun(self, instance_id, state, order, min(seconds, script.timeout), seconds <= script.timeout)

    def done(self) -> list[Work]:
        """Every order carried out so far."""
        with self._lock:
            return list(self._work)

    def runs(self) -> dict[str, str]:
        """The version each instance runs."""
        return {instance_id: state.version for instance_id, state in self._states.items()}

    def note(self, work: Work) -> None:
        """Called by a run that has ended."""
        with self._lock:
            self._work.append(work)

    def user_data_log(self, instance_id: str) -> str:
        """Nothing: user data is ignored."""
        del instance_id
        return ""

    def terminate(self, instance_id: str) -> None:
        self._states.pop(instance_id, None)

    def close(self) -> None:
        self._states.clear()


@dataclass(frozen=True)
class _Order:
    subcommand: str
    version: str
    manifest_sha256: str
    generation: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> _Order:
        return cls(
            environment.get("SSM_Subcommand", ""),
            environment.get("SSM_Version", ""),
            environment.get("SSM_ManifestSha256", ""),
            int(environment.get("SSM_Generation") or 0),
        )


class _SimulatedRun:
    """An order under way: see localcloud.runtime.Run."""

    def __init__(
        self, runtime: SimulatedRuntime, instance_id: str, state: _State, order: _Order, seconds: float, ends: bool
    ) -> None:
        self._runtime, self._instance_id, self._state, self._order = runtime, instance_id, state, order
        self._seconds, self._ends = seconds, ends
        self._began = time.monotonic()
        self._killed = threading.Event()

    def kill(self) -> None:
        self._killed.set()

    def wait(self) -> Finished:
        if self._order.subcommand not in ("activate", "down"):
            return self._carry_out()
        with self._state.lock:
            return self._carry_out()

    def _carry_out(self) -> Finished:
        state, order = self._state, self._order
        if order.generation < state.generation and order.subcommand != "status":
            return _answer(state, "fenced", f"generation {order.generation} is older than {state.generation}")
        at_work = order.subcommand == "prefetch" or (order.version, order.manifest_sha256) != (
            state.version,
            state.manifest_sha256,
        )
        if at_work and (self._killed.wait(self._seconds) or not self._ends):
            return self._cut_off()
        outcome = self._change(at_work)
        ended = time.monotonic()
        self._runtime.note(Work(self._instance_id, order.subcommand, order.version, self._began, ended))
        return _answer(state, outcome, "", ended - self._began)

    def _change(self, at_work: bool) -> str:
        state, order = self._state, self._order
        if order.subcommand not in ("activate", "down"):
            return "unchanged"
        state.generation = order.generation
        state.version, state.manifest_sha256 = (
            (order.version, order.manifest_sha256) if order.subcommand == "activate" else ("", "")
        )
        return "activated" if at_work else "unchanged"

    def _cut_off(self) -> Finished:
        """Killed in the middle: what runs is in doubt, which a marker writes as no version."""
        if self._order.subcommand != "prefetch":
            self._state.version = self._state.manifest_sha256 = ""
            self._state.generation = self._order.generation
        return Finished(None, "", "")


def _answer(state: _State, outcome: str, reason: str, seconds: float = 0.0) -> Finished:
    marker: dict[str, Any] = {
        "outcome": outcome,
        "version": state.version,
        "generation": state.generation if state.version else 0,
        "manifest_sha256": state.manifest_sha256,
        "reason": reason,
        "seconds": {"fetch": 0.0, "pull": 0.0, "up": round(seconds, 1), "health": 0.0},
    }
    code = 0 if outcome in ("activated", "unchanged") else 1
    return Finished(code, "deployer: " + json.dumps(marker, separators=(",", ":")) + "\n", "")
