"""How far a rollout has come with each instance; every change is a new value.

COMING → NEW → PREFETCHING → READY → DRAINING → ACTIVATING → ACTIVATED → JOINING → PROVEN
                           ↘                         ↘ DOUBTED → ASKING ↗
                             FAILED, UNREACHABLE (may be taken up again once while converging)

From everywhere to GONE, and from there, as COMING or NEW, back again.
An activation that ended without a marker, or whose end nobody heard of, is doubted: the instance is asked what it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

from deployer.core.marker import Marker


class Stage(Enum):
    COMING = "coming"
    NEW = "new"
    PREFETCHING = "prefetching"
    READY = "ready"
    DRAINING = "draining"
    ACTIVATING = "activating"
    DOUBTED = "doubted"
    ASKING = "asking"
    ACTIVATED = "activated"
    JOINING = "joining"
    PROVEN = "proven"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    GONE = "gone"


UNCERTAIN = frozenset({Stage.DOUBTED, Stage.ASKING})
IN_FLIGHT = frozenset({Stage.DRAINING, Stage.ACTIVATING, Stage.ACTIVATED, Stage.JOINING}) | UNCERTAIN
LOST = frozenset({Stage.FAILED, Stage.UNREACHABLE})


@dataclass(frozen=True)
class Step:
    """One instance's way. `since`: when it entered the stage; `began_at`: when it went out of service (epoch seconds).

    `touched`: it was drained or told to activate in this rollout, whatever came of it.
    `running`: the version its last marker named; None as long as it has not said.
    `in_doubt`: it was told to change, perhaps, and nobody knows what came of it; it may still be at it.
    `presumed`: what it counts as while it is doubted, unless its answer proves otherwise (FAILED or UNREACHABLE).
    `failed`: it failed and has proven nothing since, whether it is tried again or has left the group.
    `newborn`: it came when the target was promoted already.
    `marked`: the group called it unhealthy before it was taken, and has not taken that back: it says nothing of the
    target. Such a mark stays whatever the instance runs, until the group replaces the instance or a person removes it.
    """

    stage: Stage = Stage.NEW
    since: float = 0.0
    began_at: float = 0.0
    touched: bool = False
    running: str | None = None
    in_doubt: bool = False
    retried: bool = False
    reason: str = ""
    presumed: Stage = Stage.FAILED
    failed: bool = False
    newborn: bool = False
    marked: bool = False
    marker: Marker | None = None


NOT_BEGUN = Step()


@dataclass(frozen=True)
class Progress:
    """The rollout so far.

    `promoted_at`: when desired.json began to point at the target (epoch seconds); None until then.
    `owing`: the instances that must be proven before this direction may end well. Before the promotion that is
    everyone, pending ones included, for they may have read the old desired.json; after it, everyone in service.
    """

    steps: Mapping[str, Step] = field(default_factory=dict)
    owing: frozenset[str] = frozenset()
    promoted_at: float | None = None
    settled_after_promotion: bool = False

    def of(self, instance_id: str) -> Step:
        return self.steps.get(instance_id, NOT_BEGUN)

    def at(self, *stages: Stage) -> tuple[str, ...]:
        """The owing instances at one of these stages, in the order they entered the rollout."""
        found = [each for stage in stages for each in self._by_stage.get(stage, ())]
        return tuple(sorted(found, key=self._order.__getitem__)) if len(stages) > 1 else tuple(found)

    @property
    def failed(self) -> tuple[str, ...]:
        """Who failed and has proven nothing since: a second attempt and being replaced make no release better."""
        return tuple(each for each, step in self.steps.items() if step.failed and each in self.owing)

    @cached_property
    def touched(self) -> tuple[str, ...]:
        return tuple(each for each, step in self.steps.items() if step.touched and step.stage is not Stage.GONE)

    @cached_property
    def _by_stage(self) -> Mapping[Stage, list[str]]:
        found: dict[Stage, list[str]] = {}
        for each, step in self.steps.items():
            if each in self.owing:
                found.setdefault(step.stage, []).append(each)
        return found

    @cached_property
    def _order(self) -> Mapping[str, int]:
        return {each: at for at, each in enumerate(self.steps)}

    def moved(self, ids: Iterable[str], stage: Stage, now: float, reason: str = "") -> Progress:
        """These instances enter `stage` now; a reason is kept only where the stage needs one."""
        return self._changed(ids, lambda step: _entered(step, stage, now, reason))

    def promoted(self, now: float) -> Progress:
        """desired.json points at the target from now on."""
        return replace(self, promoted_at=now)

    def retried(self, ids: Iterable[str], now: float) -> Progress:
        """These lost instances start over, for the second and last time."""
        return self._changed(
            ids, lambda step: replace(_anew(step, now), stage=Stage.NEW, retried=True, failed=step.failed)
        )

    def doubted(self, instance_id: str, presumed: Stage, now: float, reason: str, over: bool = False) -> Progress:
        """Nobody knows what this instance runs: an order may have been carried out, and left no marker.

        `over`: the order has ended at least, so that what the instance says it runs it will go on running.
        """

        def doubt(step: Step) -> Step:
            entered = _entered(step, Stage.DOUBTED, now, reason)
            return replace(entered, running=None, in_doubt=not over, marker=None, presumed=presumed)

        return self._changed((instance_id,), doubt)

    def perhaps_told(self, ids: Iterable[str], version: str) -> Progress:
        """These instances may have been told to run `version`; whether they were is found out before the next order.

        Who ran that already runs it still.
        """

        def told(step: Step) -> Step:
            running = version if step.running == version else None
            return replace(step, touched=True, in_doubt=True, running=running, marker=None)

        return self._changed(ids, told)

    def perhaps_out(self, ids: Iterable[str]) -> Progress:
        """These instances may have been taken out of their target groups: they take up room until they are again."""
        return self._changed(ids, lambda step: replace(step, touched=True, in_doubt=True))

    def marked(self, instance_id: str, marked: bool) -> Progress:
        """Whether the group called this instance unhealthy before it was taken, and does so still."""
        return self._changed((instance_id,), lambda step: replace(step, marked=marked))

    def heard(self, instance_id: str, marker: Marker, settled: bool = True) -> Progress:
        """What an instance's marker says it runs is remembered; its stage does not change.

        Not `settled`: it only answers a question, and may yet carry out the order whose end nobody heard of.
        """

        def hear(step: Step) -> Step:
            return replace(step, running=marker.version, in_doubt=step.in_doubt and not settled, marker=marker)

        return self._changed((instance_id,), hear)

    def _changed(self, ids: Iterable[str], change: Callable[[Step], Step]) -> Progress:
        return replace(self, steps={**self.steps, **{each: change(self.of(each)) for each in ids}})


def _entered(step: Step, stage: Stage, now: float, reason: str) -> Step:
    starts = stage in (Stage.DRAINING, Stage.ACTIVATING) and step.stage not in IN_FLIGHT
    starts = starts or (stage is Stage.ACTIVATED and step.stage in UNCERTAIN)  # it has yet to join, however late
    return replace(
        step,
        stage=stage,
        since=now,
        began_at=now if starts else step.began_at,
        touched=step.touched or stage in (Stage.DRAINING, Stage.ACTIVATING),
        in_doubt=step.in_doubt or (stage is Stage.GONE and _is_amid(step)),
        reason=_kept(step, stage, reason),
        failed=stage is Stage.FAILED or (step.failed and stage is not Stage.PROVEN),
    )


def _kept(step: Step, stage: Stage, reason: str) -> str:
    if stage in (Stage.ASKING, Stage.GONE):
        return step.reason
    return reason if stage in LOST or stage is Stage.DOUBTED else ""


def turned(progress: Progress, version: str, everyone: bool, now: float) -> Progress:
    """Progress at the moment a rollout turns back to `version`: nobody is proven on it yet.

    Owing is who was touched or says it runs anything else. It is everyone once the target was promoted, for any
    instance may have booted it, and when asked to (`everyone`: an earlier run died half-way).
    """
    astray = frozenset(each for each, step in progress.steps.items() if step.running not in (None, version))
    everyone = everyone or progress.promoted_at is not None
    owing = frozenset(progress.steps) if everyone else astray.union(progress.touched)
    steps = {each: _anew(step, now) if each in owing else step for each, step in progress.steps.items()}
    return Progress(steps, owing, promoted_at=now)


def _anew(step: Step, now: float) -> Step:
    """To be taken from the start; what an instance runs in the middle of an activation nobody knows."""
    if step.stage is Stage.GONE:
        return step
    amid = _is_amid(step)
    return Step(
        Stage.READY,
        since=now,
        touched=step.touched,
        running=None if amid else step.running,
        in_doubt=amid or step.in_doubt,
        newborn=step.newborn,
        marked=step.marked,
    )


def _is_amid(step: Step) -> bool:
    """It was told to change, and its answer is still to come."""
    return step.stage is Stage.ACTIVATING or step.stage in UNCERTAIN
