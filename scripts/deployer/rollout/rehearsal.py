"""A rollout rehearsed: the decisions of a real one, on the group as it is now, where every order succeeds at once.

What cannot be known beforehand is taken as well: agents that are offline come back, instances that are being born
arrive, alarms stay OK. Nothing is touched and no time passes: where a real rollout waits, the clock is moved on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from deployer.core.absorb import absorb
from deployer.core.actions import Action, Activate, Drain, Finish, Prefetch, Promote, Register, TurnBack
from deployer.core.decide import decide
from deployer.core.fleet import Fleet, Traffic
from deployer.core.marker import Marker
from deployer.core.plan import Plan
from deployer.core.progress import Progress, Stage
from deployer.rollout.report import phase


class Kind(Enum):
    PREFETCH = "prefetch"
    TAKE = "take"
    WATCH = "watch"
    PROMOTE = "promote"
    AWAIT = "await"  # instances that are being born
    END = "end"


@dataclass(frozen=True)
class Move:
    """What happens at once, in the order of the rollout; `phase` is the log's word for where it is then.

    `drained`: the instances that are taken leave their target groups first, and join them again.
    """

    kind: Kind
    phase: str
    ids: tuple[str, ...] = ()
    seconds: float = 0.0
    said: str = ""
    drained: bool = False


def rehearse(plan: Plan, fleet: Fleet) -> tuple[Move, ...]:
    """Every move of a rollout of `plan`, to its end; a last move that is no END says where it would hang."""
    return _Rehearsal(plan, fleet).run()


class _Rehearsal:
    def __init__(self, plan: Plan, fleet: Fleet) -> None:
        self._plan, self._progress, self._now = plan, Progress(), plan.started_at
        self._fleet = Fleet(tuple(replace(each, online=True) for each in fleet.instances))
        self._moves: list[Move] = []

    def run(self) -> tuple[Move, ...]:
        while not self._ended:
            before = self._progress
            self._progress = absorb(self._plan, self._fleet, self._progress, self._now)
            for action in decide(self._plan, self._fleet, self._progress, self._now):
                self._perform(action)
            if self._progress == before and not self._wait():
                break
        return tuple(self._moves)

    @property
    def _ended(self) -> bool:
        return bool(self._moves) and self._moves[-1].kind is Kind.END

    def _perform(self, action: Action) -> None:
        match action:
            case Promote():
                self._progress = self._progress.promoted(self._now)
                self._note(Kind.PROMOTE)
            case Finish(result, reason):
                self._note(Kind.END, said=f"{result.value}: {reason}".removesuffix(": "))
            case TurnBack(reason):
                self._note(Kind.END, said=f"it would turn back: {reason}")
            case _:
                self._perform_on_instances(action)

    def _perform_on_instances(self, action: Action) -> None:
        match action:
            case Prefetch(ids):
                self._note(Kind.PREFETCH, ids)
                self._move(ids, Stage.READY)
            case Drain(ids):
                self._see(ids, traffic=Traffic.OUT)
                self._move(ids, Stage.DRAINING)
                self._note(Kind.TAKE, ids, drained=True)
            case Activate(ids):
                self._activate(ids)
            case Register(ids):
                self._see(ids, traffic=Traffic.HEALTHY)
                self._move(ids, Stage.JOINING)

    def _activate(self, ids: tuple[str, ...]) -> None:
        direct = tuple(each for each in ids if self._progress.of(each).stage is not Stage.DRAINING)
        self._move(ids, Stage.ACTIVATING)
        if direct:
            self._note(Kind.TAKE, direct)
        target = self._plan.target
        for each in ids:
            marker = Marker("activated", target.version, target.generation, target.manifest_sha256)
            self._progress = self._progress.heard(each, marker)
        self._move(ids, Stage.ACTIVATED)

    def _wait(self) -> bool:
        """Moves on to the next thing that happens by itself: an instance arrives, a bake ends; False if none does."""
        if self._progress.promoted_at is not None and self._arrive():
            return True
        bake = self._plan.limits.canary_bake if self._progress.promoted_at is None else self._plan.limits.bake
        until = max([self._now, *(self._progress.of(each).since + bake for each in self._progress.at(Stage.PROVEN))])
        if self._progress.promoted_at is not None:
            until = max(until, self._progress.promoted_at + bake)
        if until > self._now:
            self._note(Kind.WATCH, seconds=until - self._now)
            self._now = until
            return True
        return self._arrive()

    def _arrive(self) -> bool:
        coming = tuple(each.id for each in self._fleet.instances if each.coming)
        if coming:
            self._note(Kind.AWAIT, coming)
            traffic = Traffic.HEALTHY if self._fleet.behind_load_balancer else Traffic.NONE
            self._see(coming, lifecycle="InService", healthy=True, traffic=traffic)
        return bool(coming)

    def _note(self, kind: Kind, ids: tuple[str, ...] = (), **about: Any) -> None:
        self._moves.append(Move(kind, phase(self._plan, self._progress), ids, **about))

    def _move(self, ids: Iterable[str], stage: Stage) -> None:
        self._progress = self._progress.moved(ids, stage, self._now)

    def _see(self, ids: Iterable[str], **changed: Any) -> None:
        """From now on these instances are seen like that."""
        chosen = frozenset(ids)
        self._fleet = Fleet(
            tuple(replace(each, **changed) if each.id in chosen else each for each in self._fleet.instances)
        )
