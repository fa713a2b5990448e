"""The one loop: observe, decide, act, report, until the decision is to finish.

Everything that thinks is in core; everything that touches the world is a port. What is left here is bookkeeping:
which command is still open, what an answer means for the instance that gave it, and the turn from forward to back.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from deployer.core.absorb import absorb
from deployer.core.actions import (
    Action,
    Activate,
    Ask,
    Drain,
    Finish,
    Prefetch,
    Promote,
    Register,
    Result,
    Retry,
    TurnBack,
)
from deployer.core.answers import hear
from deployer.core.decide import decide, left_behind
from deployer.core.errors import Refused, Unanswered
from deployer.core.fleet import Fleet, Traffic
from deployer.core.plan import Plan, turned_back
from deployer.core.progress import IN_FLIGHT, Progress, Stage, turned
from deployer.rollout.desired import DesiredRelease
from deployer.rollout.dispatch import NOTHING, Dispatch
from deployer.rollout.lease import Lease
from deployer.rollout.patience import while_held
from deployer.rollout.ports import Clock, Commands, Group
from deployer.rollout.record import Record
from deployer.rollout.report import Report, phase

QUICKEST_LOOK, SLOWEST_LOOK = 0.2, 3.0  # seconds between two observations
LOOK_PER_INSTANCE = 0.005  # seconds: in a large group something ends all the time, and calls per instance stay few
SHARE_OF_WAIT = 0.1  # of the time since anything changed: what is late by a tenth is not late
LONGEST_BACKOFF = 15.0  # seconds
PATIENCE = 60  # seconds of refusals, with nothing between them, until the loop gives up


@dataclass(frozen=True)
class Ending:
    """How it ended, with all that is known about each instance."""

    result: Result
    reason: str
    plan: Plan
    progress: Progress


class Loop:
    """One rollout of one group, from the first observation to the last."""

    def __init__(
        self,
        plan: Plan,
        group: Group,
        commands: Commands,
        desired: DesiredRelease,
        lease: Lease,
        record: Record,
        report: Report,
        clock: Clock,
        excused: Iterable[str] = (),
    ) -> None:
        """`excused`: alarms that were red before it began, and judge it once they have been OK."""
        self.plan, self.progress = plan, Progress()
        self._group, self._dispatch, self._desired = group, Dispatch(commands, plan.target.generation), desired
        self._lease, self._record, self._report, self._clock = lease, record, report, clock
        self._refused_since: float | None = None
        self._refusals = 0
        self._seen = Fleet(())
        self._excused = frozenset(excused)
        self._out: set[str] = set()
        self._turning: TurnBack | None = None
        self._owes_desired = False
        self._phase = ""
        self._gave_up_because = ""

    def run(self) -> Ending:
        """Runs to the end; raises LeaseHeld when the lease was lost."""
        changed_at = self._clock.now()
        while not self._clock.stop_requested():
            looked_at, before = self._clock.now(), self.progress
            ending = self._try_tick()
            if ending:
                return ending
            now = self._clock.now()
            changed_at = now if self.progress != before else changed_at
            self._clock.wait(max(QUICKEST_LOOK, self._pause(now - changed_at) - (now - looked_at)))
        return self._interrupted()

    def _pause(self, unchanged_for: float) -> float:
        """Seconds from look to look: longer the longer nothing happened, doubled with every refusal in a row."""
        under_way = self.progress.at(Stage.PREFETCHING, *IN_FLIGHT)
        quickest = max(QUICKEST_LOOK, LOOK_PER_INSTANCE * len(self.progress.owing) if under_way else 0.0)
        pause = min(max(SHARE_OF_WAIT * unchanged_for, quickest), max(SLOWEST_LOOK, quickest))
        return min(pause * (1 << self._refusals), max(LONGEST_BACKOFF, pause))

    def _try_tick(self) -> Ending | None:
        """A tick that AWS refuses is tried again, wherever it stopped: the next one decides from what it then sees."""
        try:
            ending = self._tick()
        except Refused as error:
            return self._refused(error)
        self._refused_since, self._refusals = None, 0
        return ending

    def _refused(self, error: Refused) -> Ending | None:
        now = self._clock.now()
        self._refused_since = now if self._refused_since is None else self._refused_since
        self._refusals += 1
        if now - self._refused_since <= PATIENCE:
            self._report.refused(error)
            return None
        left = left_behind(self.plan, self.progress)
        result = Result.COULD_NOT_RESTORE if left or self.plan.after_crash else Result.FAILED
        return self._finished(result, f"{error.what}; as they were left: {', '.join(left)}" if left else error.what)

    def _tick(self) -> Ending | None:
        self._lease.renew()
        if self._turning:
            self._turn_back(self._turning)
        if self._owes_desired:
            self._desired.restore(self.plan.target)
            self._owes_desired = False
        fleet = self._observe()
        for action in decide(self.plan, fleet, self.progress, self._clock.now()):
            self._lease.renew()  # whoever was paused in between finds out before it acts
            ending = self._perform(action)
            if ending:
                return ending
        self._show()
        return None

    def _observe(self) -> Fleet:
        """The fleet, with every reply and every clock taken in."""
        for reply in self._dispatch.replies():
            self.progress = hear(self.plan, self.progress, reply, self._clock.now())
        fleet = self._seen = self._judged(self._group.observe())
        self.progress = absorb(self.plan, fleet, self.progress, self._clock.now())
        self._dispatch.forget(each for each, step in self.progress.steps.items() if step.stage is Stage.GONE)
        if self.plan.after_crash:  # the dead run may have taken them out
            self._out.update(each.id for each in fleet.settled if each.in_service and each.traffic is Traffic.OUT)
        self._show()
        self._report.meet(fleet)
        return fleet

    def _judged(self, fleet: Fleet) -> Fleet:
        """The fleet with the alarms that count now."""
        self._excused = frozenset(each for each in self._excused if fleet.alarms.get(each) != "OK")
        counting = {name: state for name, state in fleet.alarms.items() if name not in self._excused}
        return replace(fleet, alarms=counting)

    def _perform(self, action: Action) -> Ending | None:
        match action:
            case Promote():
                self._promote()
            case TurnBack():
                self._turn_back(action)
            case Finish(result, reason):
                return self._finished(result, reason)
            case _:
                self._perform_on_instances(action)
        return None

    def _perform_on_instances(self, action: Prefetch | Drain | Activate | Ask | Register | Retry) -> None:
        match action:
            case Prefetch(ids):
                self._order("prefetch", ids, Stage.PREFETCHING)
            case Drain(ids):
                self._drain(ids)
            case Activate(ids):
                self._order("activate" if self.plan.target.version else "down", ids, Stage.ACTIVATING)
            case Ask(ids):
                self._order("status", ids, Stage.ASKING)
            case Register(ids):
                self._group.register(ids)
                self._out.difference_update(ids)
                self._move([each for each in ids if each in self.progress.at(Stage.ACTIVATED)], Stage.JOINING)
            case Retry(ids):
                self.progress = self.progress.retried(ids, self._clock.now())

    def _drain(self, ids: tuple[str, ...]) -> None:
        self._out.update(ids)
        try:
            self._group.drain(ids)
        except Refused:
            self.progress = self.progress.perhaps_out(ids)
            raise
        self._move(ids, Stage.DRAINING)

    def _move(self, ids: tuple[str, ...] | list[str], stage: Stage) -> None:
        self.progress = self.progress.moved(ids, stage, self._clock.now())

    def _order(self, subcommand: str, ids: tuple[str, ...], stage: Stage) -> None:
        target = NOTHING if subcommand == "status" else self.plan.target
        waiting = list(ids)
        try:
            for sent in self._dispatch.send(subcommand, target, self.plan.limits.instance_timeout, ids):
                told = {each for its in sent.commands.values() for each in its}
                told.update(reply.instance_id for reply in sent.refused)
                self._move([each for each in waiting if each in told], stage)
                waiting = [each for each in waiting if each not in told]
                for reply in sent.refused:
                    self.progress = hear(self.plan, self.progress, reply, self._clock.now())
        except Unanswered:
            if stage is Stage.ACTIVATING:
                self.progress = self.progress.perhaps_told(waiting, self.plan.target.version)
            raise

    def _promote(self) -> None:
        self._desired.promote(self.plan.target)
        self.progress = self.progress.promoted(self._clock.now())
        self._record.note(f"promoted {self.plan.target.version}")
        self._report.promoted(self.plan)

    def _turn_back(self, turn: TurnBack) -> None:
        """Once begun there is no going on: its generation is taken, whether AWS answered or not."""
        self._turning = turn
        generation = self._lease.advance()
        self._turning = None
        self._gave_up_because = turn.reason
        self._report.turning(self.plan, turn.reason)
        self._record.turned(generation, turn.reason)
        self._dispatch.give_up()
        everyone = self.plan.after_crash
        self.plan = turned_back(self.plan, generation)
        self.progress = turned(self.progress, self.plan.target.version, everyone, self._clock.now())
        self._owes_desired = True

    def _finished(self, result: Result, reason: str) -> Ending:
        self._dispatch.give_up()
        self._rejoin()
        self._report.ending(self.plan, self.progress)
        self._record.see(self.plan, self.progress)
        why = "; on the way back: ".join(each for each in (self._gave_up_because, reason) if each)
        return Ending(result, why, self.plan, self.progress)

    def _rejoin(self) -> None:
        """What is still out of its target groups goes back in, however it ended: health checks judge it there."""
        out = tuple(each.id for each in self._seen.settled if each.in_service and each.id in self._out)
        if out:
            with suppress(Refused):
                while_held(self._lease, self._clock, lambda: self._group.register(out))

    def _interrupted(self) -> Ending:
        if not self._seen.instances:  # whom a dead run left somewhere is put right and named all the same
            with suppress(Refused):
                self._observe()
        left = left_behind(self.plan, self.progress)
        named = f"; as they were left: {', '.join(left)}" if left else ""
        return self._finished(Result.INTERRUPTED, f"the operator or the runner asked to stop{named}")

    def _show(self) -> None:
        if (entered := phase(self.plan, self.progress)) != self._phase:
            self._phase = entered
            self._record.note(entered)
        if self._report.show(self.plan, self.progress, self._clock.now()):
            self._record.keep(self.plan, self.progress)
