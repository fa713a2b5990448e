"""The one loop: observe, decide, act, report, until the decision is to finish.

Everything that thinks is in core; everything that touches the world is a port. What is left here is bookkeeping:
which command is still open, what an answer means for the instance that gave it, and the turn from forward to back.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from deployer.core.absorb import absorb
from deployer.core.actions import (
    Action,
    Activate,
    Drain,
    Finish,
    Prefetch,
    Promote,
    Prove,
    Register,
    Result,
    Retry,
    TurnBack,
)
from deployer.core.decide import decide
from deployer.core.errors import Refused
from deployer.core.fleet import Fleet
from deployer.core.orders import Delivery, Order, Reply
from deployer.core.plan import Plan, turned_back
from deployer.core.progress import Progress, Stage, turned
from deployer.rollout.desired import DesiredRelease
from deployer.rollout.lease import Lease
from deployer.rollout.ports import Clock, Commands, Group
from deployer.rollout.record import Record
from deployer.rollout.report import Report

QUICKEST_LOOK, SLOWEST_LOOK = 0.2, 3.0  # seconds between two observations
SHARE_OF_WAIT = 0.1  # of the time since anything changed: what is late by a tenth is not late, and calls stay few
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
    ) -> None:
        self.plan, self.progress = plan, Progress()
        self._group, self._commands, self._desired = group, commands, desired
        self._lease, self._record, self._report, self._clock = lease, record, report, clock
        self._open: dict[str, set[str]] = {}
        self._refused_since: float | None = None
        self._owes_desired = False
        self._gave_up_because = ""

    def run(self) -> Ending:
        """Runs to the end; raises LeaseHeld when the lease was lost."""
        changed_at = self._clock.now()
        while True:
            if self._clock.stop_requested():
                return self._interrupted()
            before = self.progress
            ending = self._try_tick()
            if ending:
                return ending
            if self.progress != before:
                changed_at = self._clock.now()
            unchanged_for = self._clock.now() - changed_at
            self._clock.wait(min(max(SHARE_OF_WAIT * unchanged_for, QUICKEST_LOOK), SLOWEST_LOOK))

    def _try_tick(self) -> Ending | None:
        """A tick that AWS refuses is tried again, wherever it stopped: the next one decides from what it then sees."""
        try:
            ending = self._tick()
        except Refused as error:
            return self._refused(error)
        self._refused_since = None
        return ending

    def _refused(self, error: Refused) -> Ending | None:
        now = self._clock.now()
        self._refused_since = now if self._refused_since is None else self._refused_since
        if now - self._refused_since <= PATIENCE:
            self._report.refused(error)
            return None
        result = Result.COULD_NOT_RESTORE if self.progress.touched else Result.FAILED
        left = f"; as they were left: {', '.join(self.progress.touched)}" if self.progress.touched else ""
        return self._finished(result, f"{error.what}{left}")

    def _tick(self) -> Ending | None:
        self._lease.renew()
        if self._owes_desired:
            self._desired.restore(self.plan.target)
            self._owes_desired = False
        fleet = self._observe()
        for action in decide(self.plan, fleet, self.progress, self._clock.now()):
            ending = self._perform(action)
            if ending:
                return ending
        self._show()
        return None

    def _observe(self) -> Fleet:
        """The fleet, with every reply and every clock taken in."""
        for command_id in tuple(self._open):
            self._collect(command_id)
        fleet = self._group.observe()
        self.progress = absorb(self.plan, fleet, self.progress, self._clock.now())
        self._show()
        return fleet

    def _collect(self, command_id: str) -> None:
        waiting = self._open[command_id]
        for reply in self._commands.replies(command_id):
            if reply.instance_id in waiting:
                waiting.discard(reply.instance_id)
                self._hear(reply)
        waiting -= {each for each in waiting if self.progress.of(each).stage is Stage.GONE}
        if not waiting:
            del self._open[command_id]

    def _hear(self, reply: Reply) -> None:
        stage = self.progress.of(reply.instance_id).stage
        if reply.marker:
            self.progress = self.progress.heard(reply.instance_id, reply.marker)
        if stage not in (Stage.PREFETCHING, Stage.ACTIVATING):
            return  # an answer that came too late: the instance was given up, or left the group
        if reply.delivery is Delivery.SILENT:
            self.progress = self.progress.doubted(reply.instance_id)
        reached, reason = self._meaning(stage, reply)
        self.progress = self.progress.moved((reply.instance_id,), reached, self._clock.now(), reason)

    def _meaning(self, stage: Stage, reply: Reply) -> tuple[Stage, str]:
        if reply.delivery is Delivery.UNREACHABLE:
            return Stage.UNREACHABLE, reply.detail
        marker = reply.marker
        if marker is None:
            return Stage.FAILED, reply.detail or "it ended without a marker, so nothing is proven"
        if stage is Stage.PREFETCHING:
            failed = marker.outcome != "unchanged"
            return (Stage.FAILED, marker.reason or marker.outcome) if failed else (Stage.READY, "")
        target = self.plan.target
        if marker.proves(target.version, target.manifest_sha256, target.generation):
            return Stage.ACTIVATED, ""
        return Stage.FAILED, f"{marker.outcome}: {marker.reason}" if marker.reason else marker.outcome

    def _perform(self, action: Action) -> Ending | None:
        match action:
            case Promote():
                self._promote()
            case TurnBack(reason):
                self._turn_back(reason)
            case Finish(result, reason):
                return self._finished(result, reason)
            case _:
                self._perform_on_instances(action)
        return None

    def _perform_on_instances(self, action: Prefetch | Drain | Activate | Register | Prove | Retry) -> None:
        match action:
            case Prefetch(ids):
                self._order("prefetch", ids, Stage.PREFETCHING)
            case Drain(ids):
                self._group.drain(ids)
                self._move(ids, Stage.DRAINING)
            case Activate(ids):
                self._order("activate" if self.plan.target.version else "down", ids, Stage.ACTIVATING)
            case Register(ids):
                self._group.register(ids)
                self._move([each for each in ids if each in self.progress.at(Stage.ACTIVATED)], Stage.JOINING)
            case Prove(ids):
                self._move(ids, Stage.PROVEN)
            case Retry(ids):
                self.progress = self.progress.retried(ids, self._clock.now())

    def _move(self, ids: tuple[str, ...] | list[str], stage: Stage) -> None:
        self.progress = self.progress.moved(ids, stage, self._clock.now())

    def _order(self, subcommand: str, ids: tuple[str, ...], stage: Stage) -> None:
        order = Order(subcommand, self.plan.target, self.plan.limits.instance_timeout)
        sent = self._commands.send(ids, order)
        self._move(ids, stage)
        self._open.update({command_id: set(its) for command_id, its in sent.commands.items()})
        for reply in sent.refused:
            self._hear(reply)

    def _promote(self) -> None:
        self._desired.promote(self.plan.target)
        self.progress = self.progress.promoted(self._clock.now())
        self._record.note(f"promoted {self.plan.target.version}")
        self._report.promoted(self.plan)

    def _turn_back(self, reason: str) -> None:
        generation = self._lease.advance()
        self._gave_up_because = reason
        self._report.turning(self.plan, reason)
        self._record.turned(generation, reason)
        self._cancel_open()
        everyone = self.plan.after_crash
        self.plan = turned_back(self.plan, generation)
        self.progress = turned(self.progress, self.plan.target.version, everyone, self._clock.now())
        self._owes_desired = True

    def _cancel_open(self) -> None:
        """Asks; whether anything stopped is found out by fencing, so a refusal changes nothing."""
        for command_id in self._open:
            with suppress(Refused):
                self._commands.cancel(command_id)
        self._open.clear()

    def _finished(self, result: Result, reason: str) -> Ending:
        self._cancel_open()
        self._record.see(self.plan, self.progress)
        why = "; on the way back: ".join(each for each in (self._gave_up_because, reason) if each)
        return Ending(result, why, self.plan, self.progress)

    def _interrupted(self) -> Ending:
        """There are seconds left: what is out of its target groups goes back in, where health checks judge it."""
        if self.plan.drain:
            with suppress(Refused):
                self._group.register(self.progress.at(Stage.DRAINING, Stage.ACTIVATING, Stage.ACTIVATED))
        return self._finished(Result.INTERRUPTED, "the operator or the runner asked to stop")

    def _show(self) -> None:
        if self._report.show(self.plan, self.progress, self._clock.now()):
            self._record.see(self.plan, self.progress)
            self._record.write()
