"""The record of a rollout: what the next run, `history` and a person at night read.

Written before the first change, at every event, and now and then while instances change; never again once the rollout
has ended. What the next run needs (the target, what is suspended, whether it ended) never waits for a later write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deployer.core import document, keys
from deployer.core.plan import Plan
from deployer.core.progress import Progress
from deployer.core.release import ReleaseRef
from deployer.core.store import Owned, Store
from deployer.rollout.lease import utc
from deployer.rollout.ports import Clock

WRITE_EVERY = 30  # seconds, while nothing but instances' stages changes


@dataclass(frozen=True)
class Event:
    """Something worth remembering; `at` in seconds since the epoch."""

    at: float
    what: str


@dataclass(frozen=True)
class Entry:
    """Everything a record says, as one value."""

    app: str
    group: str
    generation: int
    owner: str
    run_url: str
    started_at: float
    source: str
    target: str
    way_back: ReleaseRef | None
    policy: Mapping[str, object]
    rollback: bool = False
    suspended: tuple[str, ...] = ()
    instances: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    last_generation: int = 0
    result: str = ""
    reason: str = ""
    ended_at: float | None = None

    def to_json(self) -> bytes:
        return document.write(
            {
                "schema": document.SCHEMA,
                "app": self.app,
                "group": self.group,
                "generation": self.generation,
                "last_generation": self.last_generation or self.generation,
                "owner": self.owner,
                "run_url": self.run_url,
                "from": self.source,
                "to": self.target,
                "way_back": self.way_back.to_json() if self.way_back else None,
                "rollback": self.rollback,
                "policy": dict(self.policy),
                "started_at": utc(self.started_at),
                "ended_at": utc(self.ended_at) if self.ended_at is not None else None,
                "result": self.result or "running",
                "reason": self.reason,
                "suspended": list(self.suspended),
                "instances": {name: dict(about) for name, about in self.instances.items()},
                "events": [{"at": utc(each.at), "what": each.what} for each in self.events],
            }
        )


@dataclass(frozen=True)
class Last:
    """What the newest record of a group says: which release it was about and what it would have gone back to, how it
    ended, what it left suspended; whether it was a rollback by hand, which records of old do not say (None)."""

    target: str
    way_back: ReleaseRef | None
    result: str
    suspended: tuple[str, ...]
    rollback: bool | None = None

    @property
    def crashed(self) -> bool:
        """It never ended well or went back: any instance may run either release."""
        return self.result in ("running", "interrupted", "could-not-restore")


def last_record(store: Store, app: str, group: str) -> Last | None:
    """The newest record of a group, if anything was ever rolled out there; raises DeployError if it is damaged."""
    newest = store.list(keys.records(app, group))[-1:]
    stored = store.get(newest[0]) if newest else None
    if stored is None:
        return None
    fields = document.read(stored.body, newest[0])
    back = ReleaseRef.within(fields, "way_back")
    rollback = fields.switch("rollback") if fields.has("rollback") else None
    return Last(fields.text("to"), back, fields.text("result"), fields.texts("suspended"), rollback)


class Record:
    """The record of the rollout under way."""

    def __init__(self, store: Store, clock: Clock, entry: Entry) -> None:
        self._clock = clock
        self.entry = entry
        self._object = Owned(store, keys.record(entry.app, entry.group, entry.generation), None)
        self._write()

    def note(self, what: str) -> None:
        """Remembers an event; it is written at the next `keep`."""
        events = (*self.entry.events, Event(self._clock.now(), what))
        self.entry = replace(self.entry, events=events)
        self._due = True

    def suspending(self, processes: tuple[str, ...]) -> None:
        """Written before the processes are touched, so that a later run can resume them."""
        self.entry = replace(self.entry, suspended=processes)
        self._write()

    def turned(self, generation: int, reason: str) -> None:
        """The rollout gave its target up and goes back under `generation`."""
        self.note(f"turned back: {reason}")
        self.entry = replace(self.entry, last_generation=generation)

    def keep(self, plan: Plan, progress: Progress) -> None:
        """Writes how far each instance is, if something happened or the last time was long ago."""
        if self._due or self._clock.now() - self._written_at >= WRITE_EVERY:
            self.see(plan, progress)
            self._write()

    def see(self, plan: Plan, progress: Progress) -> None:
        """Takes in how far each instance is."""
        self.entry = replace(self.entry, instances={each: _about(plan, progress, each) for each in progress.steps})

    def end(self, result: str, reason: str) -> None:
        """The last word."""
        self.entry = replace(self.entry, result=result, reason=reason, ended_at=self._clock.now())
        self._write()

    def _write(self) -> None:
        self._object.write(self.entry.to_json())
        self._written_at, self._due = self._clock.now(), False


def _about(plan: Plan, progress: Progress, instance_id: str) -> dict[str, Any]:
    step = progress.of(instance_id)
    return {
        "stage": step.stage.value,
        "touched": step.touched,
        "version": step.running,
        "outcome": step.marker.outcome if step.marker else None,
        "parameters": step.marker.parameters if step.marker else None,
        "generation": plan.target.generation,
        "reason": step.reason or (step.marker.reason if step.marker else ""),
        "seconds": round(step.since - step.began_at, 1) if step.began_at else None,
    }
