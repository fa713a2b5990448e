"""The decision: what to do next, from what is planned, what is seen, how far we are, and the time.

One pure function, asked again at every tick. It reads from the top as the order of a rollout: stop if something is
broken, move what is under way, start what the limits allow, and, when nothing is left to start, promote, converge,
bake and finish. Going back takes the same road with a wider window and nothing to promote.

Rejected: one function per phase with the phase kept as state. Phases then have to agree about instances that are born,
die or fall ill between them; derived anew at each tick they cannot disagree.
"""

from __future__ import annotations

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
from deployer.core.fleet import Fleet, Instance, Traffic
from deployer.core.plan import Plan
from deployer.core.progress import IN_FLIGHT, LOST, UNCERTAIN, Progress, Stage, Step
from deployer.core.safety import flaw
from deployer.core.window import canary_quota, next_taken

UNSAFE = "the rollout stopped itself before a wrong step, which is a defect of this tool"
RETRY_AFTER = 60  # seconds after an order that never reached its instance
LOOKED_FOR = 5  # seconds until an instance that is not described any more has left for sure


def decide(plan: Plan, fleet: Fleet, progress: Progress, now: float) -> tuple[Action, ...]:
    """The next actions; none means wait. `now`: seconds since the epoch. The progress given has absorbed the fleet."""
    actions = _next(plan, fleet, progress, now)
    if wrong := flaw(plan, fleet, progress, actions):
        return (_give_up(plan, progress, f"{UNSAFE}: {wrong}"),)
    return actions


def _next(plan: Plan, fleet: Fleet, progress: Progress, now: float) -> tuple[Action, ...]:
    broken = _broken(plan, fleet, progress, now)
    if broken:
        return (_give_up(plan, progress, *broken),)
    under_way = _advance(plan, fleet, progress)
    started = _start(plan, fleet, progress, now)
    if under_way or started:
        return (*under_way, *started)
    if progress.at(Stage.PREFETCHING, *IN_FLIGHT) or not _all_started(fleet, progress):
        return _or_stuck(plan, fleet, progress, now)
    return _complete(plan, fleet, progress, now)


def _broken(plan: Plan, fleet: Fleet, progress: Progress, now: float) -> tuple[str, tuple[str, ...]] | None:
    """Why the rollout cannot go on, and because of whom. The way back is stopped by nothing but its deadline."""
    if now > plan.deadline:
        return f"not done within {round(plan.deadline - plan.started_at)} s", _unproven(progress)
    if plan.goes_back:
        return None
    failed, unreachable = progress.failed, progress.at(Stage.UNREACHABLE)
    if len(failed) > plan.limits.failures:
        return "", failed
    if len(unreachable) > plan.limits.unreachable:
        return "", unreachable
    alarming = _alarming(fleet, progress)
    return (alarming, ()) if alarming else None


def _named(progress: Progress, ids: tuple[str, ...]) -> str:
    return "; ".join(f"{each}: {_state(progress.of(each))}" for each in ids)


def _state(step: Step) -> str:
    if step.reason or step.stage is Stage.PROVEN:
        return step.reason or f"runs {step.running}"
    return f"it failed before, and is {step.stage.value} now" if step.failed else step.stage.value


def _unproven(progress: Progress) -> tuple[str, ...]:
    return progress.at(*(stage for stage in Stage if stage not in (Stage.PROVEN, Stage.GONE)))


def _alarming(fleet: Fleet, progress: Progress) -> str:
    """Alarms count once something runs the target. An alarm without data is not OK: nobody is watching then."""
    if not progress.at(Stage.PROVEN):
        return ""
    return "; ".join(f"alarm {name} is {state}" for name, state in fleet.alarms.items() if state != "OK")


def _give_up(plan: Plan, progress: Progress, why: str, because_of: tuple[str, ...] = ()) -> Action:
    """Turns back, or ends where there is no way back; a way back that is given up names everyone it leaves."""
    named = _named(progress, _unproven(progress) if plan.goes_back else because_of)
    reason = ": ".join(each for each in (why, named) if each)
    if plan.goes_back:
        return Finish(Result.COULD_NOT_RESTORE, reason)
    if not progress.touched and progress.promoted_at is None and not plan.after_crash:
        return Finish(Result.FAILED, reason)
    if not plan.auto_rollback:
        left = _named(progress, left_behind(plan, progress))
        return Finish(
            Result.COULD_NOT_RESTORE, f"{reason}; auto-rollback is off, so instances stay as they are: {left}"
        )
    return TurnBack(reason)


def left_behind(plan: Plan, progress: Progress) -> tuple[str, ...]:
    """Who may run anything, where nobody goes back: whom this run touched, and after a dead one everyone not proven."""
    unproven = _unproven(progress) if plan.after_crash else ()
    return tuple(each for each in progress.steps if each in progress.touched or each in unproven)


def _advance(plan: Plan, fleet: Fleet, progress: Progress) -> tuple[Action, ...]:
    """The next move of every instance under way."""
    drained = _where(fleet, progress.at(Stage.DRAINING), Traffic.OUT, Traffic.NONE)
    lost = _where(fleet, progress.at(*LOST), Traffic.OUT)
    rejoins = tuple(each for each in lost if fleet.present[each].in_service and _runs_previous(plan, progress, each))
    joins = progress.at(Stage.ACTIVATED)
    return _actions(Activate(drained), Ask(progress.at(Stage.DOUBTED)), Register((*joins, *rejoins)))


def _where(fleet: Fleet, ids: tuple[str, ...], *traffic: Traffic) -> tuple[str, ...]:
    found = ((each, fleet.get(each)) for each in ids)
    return tuple(each for each, instance in found if instance and instance.traffic in traffic)


def _runs_previous(plan: Plan, progress: Progress, instance_id: str) -> bool:
    """It may serve again although it is lost: it put the previous release back by itself, or never left it.

    Its last marker says so, and no order may still be under way there.
    """
    previous = plan.target if plan.goes_back else plan.previous
    step = progress.of(instance_id)
    return previous is not None and bool(previous.version) and step.running == previous.version and not step.in_doubt


def _start(plan: Plan, fleet: Fleet, progress: Progress, now: float) -> tuple[Action, ...]:
    """New instances taken up, as many as canary and window allow; unhealthy ones first."""
    waiting = [each for each in fleet.settled if each.id in progress.owing]
    new = tuple(each.id for each in waiting if progress.of(each.id).stage is Stage.NEW and each.online)
    if new and not plan.goes_back:
        return (Prefetch(new),)
    ready = [each for each in waiting if _is_ready(plan, each, progress.of(each.id))]
    if not progress.touched and progress.at(Stage.PREFETCHING):
        return ()
    if progress.at(*UNCERTAIN) and not plan.goes_back:  # it may have failed: known in a moment
        return ()
    chosen = next_taken(plan, fleet, progress, ready, now)
    out = tuple(each.id for each in chosen if _must_drain(plan, progress, each))
    direct = tuple(each.id for each in chosen if each.id not in out)
    return _actions(Drain(out), Activate(direct))


def _is_ready(plan: Plan, instance: Instance, step: Step) -> bool:
    """On the way back nobody prefetches; but whoever has just come is not drained before it can be told anything."""
    return step.stage is Stage.READY or (plan.goes_back and step.stage is Stage.NEW and instance.online)


def _must_drain(plan: Plan, progress: Progress, instance: Instance) -> bool:
    """Not where nothing will be swapped: the instance says it runs the target already, and has nothing to add.

    A release whose parameters have changed is swapped for itself; the marker of its prefetch gives that as a reason.
    """
    if not plan.drain or instance.traffic in (Traffic.NONE, Traffic.OUT):
        return False
    step = progress.of(instance.id)
    return step.running != plan.target.version or bool(step.marker and step.marker.reason)


def _all_started(fleet: Fleet, progress: Progress) -> bool:
    stages = (progress.of(each.id).stage for each in fleet.settled if each.id in progress.owing)
    return not any(stage in (Stage.NEW, Stage.READY) for stage in stages)


def _or_stuck(plan: Plan, fleet: Fleet, progress: Progress, now: float) -> tuple[Action, ...]:
    """Wait, unless nothing moves any more because lost instances fill the window: they get their second attempt."""
    moving = progress.at(Stage.PREFETCHING, *IN_FLIGHT) or canary_quota(plan, fleet, progress, now) <= 0
    lost = progress.at(*LOST)
    rejoining = any(each.traffic in (Traffic.STARTING, Traffic.DRAINING) for each in fleet.settled if each.id in lost)
    if moving or rejoining or not lost:
        return ()
    return _converge(plan, fleet, progress, lost, now)


def _complete(plan: Plan, fleet: Fleet, progress: Progress, now: float) -> tuple[Action, ...]:
    """Nothing is left to start: promote, converge to a fixed point, bake, finish."""
    lost = progress.at(*LOST)
    coming = any(each.coming for each in fleet.instances if each.id in progress.owing)
    if progress.promoted_at is None:
        if len(progress.at(Stage.PROVEN)) >= max(1, min(plan.limits.canary, len(fleet.settled))):
            return (Promote(),)
        if not lost:
            return () if coming else (_give_up(plan, progress, "no instance is left to prove it"),)
    if lost:
        return _converge(plan, fleet, progress, lost, now)
    if coming or _missed(fleet, progress, now):
        return ()
    return _baked(plan, progress, now)


def _missed(fleet: Fleet, progress: Progress, now: float) -> bool:
    """Somebody owing is suddenly not described at all, not even as terminating: one description may lag behind."""
    described = {each.id for each in fleet.instances}
    gone = (each for each in progress.at(Stage.GONE) if each not in described)
    return any(now - progress.of(each).since < LOOKED_FOR for each in gone)


def _baked(plan: Plan, progress: Progress, now: float) -> tuple[Action, ...]:
    """The end, once the bake is over: it counts from the promotion, and from the last instance that was proven.

    Not from newborns, which a busy group gets all the time: the release they boot is being watched already.
    """
    proven = (progress.of(each) for each in progress.at(Stage.PROVEN))
    baked_from = max([progress.promoted_at or 0.0, *(step.since for step in proven if not step.newborn)])
    if now < baked_from + plan.limits.bake:
        return ()
    if plan.goes_back:
        return (Finish(Result.ROLLED_BACK if plan.previous else Result.FAILED),)
    return (Finish(Result.SUCCEEDED),)


def _converge(plan: Plan, fleet: Fleet, progress: Progress, lost: tuple[str, ...], now: float) -> tuple[Action, ...]:
    again = tuple(each for each in lost if _may_retry(fleet.get(each), progress.of(each), now))
    if again:
        return (Retry(again),)
    patient = [each for each in lost if progress.of(each).stage is Stage.UNREACHABLE]
    if any(now - progress.of(each).since < plan.limits.instance_timeout for each in patient):
        return ()
    return (_give_up(plan, progress, "", lost),)


def _may_retry(instance: Instance | None, step: Step, now: float) -> bool:
    """Once; an agent that was silent is given time to be heard of again."""
    if instance is None or step.retried or not instance.online:
        return False
    return step.stage is Stage.FAILED or now - step.since >= RETRY_AFTER


def _actions(*actions: Prefetch | Drain | Activate | Ask | Register) -> tuple[Action, ...]:
    return tuple(each for each in actions if each.ids)
