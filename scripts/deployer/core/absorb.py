"""What an observation of the group means for a rollout's progress, before anything is decided."""

from __future__ import annotations

from dataclasses import replace

from deployer.core.fleet import Fleet, Instance, Traffic
from deployer.core.plan import Plan
from deployer.core.progress import IN_FLIGHT, UNCERTAIN, Progress, Stage, Step

AGENT_GRACE = 300
"""Seconds an instance may be in service before its SSM agent is online: one that was just born needs a while."""

ASK_FOR = 60
"""Seconds an instance that left its activation in doubt has to say what it runs; no longer than a whole activation."""


def absorb(plan: Plan, fleet: Fleet, progress: Progress, now: float) -> Progress:
    """Progress with newborns entered, instances that left marked gone, and every clock and health check read."""
    progress = _mark(fleet, _enter(plan, fleet, progress, now))
    for each, step in progress.steps.items():
        stage, reason = _seen(plan, fleet.get(each), step, now)
        if stage is step.stage:
            continue
        if stage is Stage.DOUBTED:
            progress = progress.doubted(each, Stage.FAILED, now, reason)
        else:
            progress = progress.moved((each,), stage, now, reason)
    return progress


def _enter(plan: Plan, fleet: Fleet, progress: Progress, now: float) -> Progress:
    here = {each for each, step in progress.steps.items() if step.stage is not Stage.GONE}
    newcomers = [each for each in fleet.present if each not in here]
    owed = {each.id for each in fleet.settled} if progress.settled_after_promotion else set(fleet.present)
    if plan.goes_back and not plan.after_crash:  # who was never touched stays as it is; who came meanwhile is asked
        owed.intersection_update((*newcomers, *progress.touched))
    promoted = progress.promoted_at is not None
    if not newcomers and owed <= progress.owing and promoted is progress.settled_after_promotion:
        return progress
    return replace(
        progress,
        steps={**progress.steps, **{each: _newcomer(fleet, progress, each, now) for each in newcomers}},
        owing=progress.owing | owed,
        settled_after_promotion=promoted,
    )


def _newcomer(fleet: Fleet, progress: Progress, instance_id: str, now: float) -> Step:
    """It begins anew; of one that was here before, as after a detach, stays what was done to it and how it fared."""
    before = progress.of(instance_id)
    return Step(
        Stage.COMING if fleet.present[instance_id].coming else Stage.NEW,
        since=now,
        touched=before.touched,
        in_doubt=before.in_doubt,
        failed=before.failed,
        marked=before.marked,
        newborn=progress.promoted_at is not None,
    )


def _mark(fleet: Fleet, progress: Progress) -> Progress:
    for each in fleet.present.values():
        step = progress.of(each.id)
        marked = not each.healthy and (step.marked or not step.touched)
        if marked is not step.marked:
            progress = progress.marked(each.id, marked)
    return progress


def _seen(plan: Plan, instance: Instance | None, step: Step, now: float) -> tuple[Stage, str]:
    if instance is None:
        return Stage.GONE, ""
    if step.stage is Stage.COMING:
        return (Stage.COMING if instance.coming else Stage.NEW), ""
    if _mute(plan, instance, step, now):
        return Stage.UNREACHABLE, "its SSM agent is not online"
    if step.stage in (Stage.ACTIVATED, Stage.JOINING) and not _must_join(plan, instance):
        return Stage.PROVEN, ""
    if step.stage is Stage.PROVEN and _sick(plan, instance, step):
        return Stage.FAILED, "it turned unhealthy after it had been proven"
    if step.stage in UNCERTAIN:
        return _unresolved(plan, step, now)
    if late := _late(plan, step, now):  # an activation that ran out of time may still be at it, or its answer was lost
        return Stage.DOUBTED if step.stage is Stage.ACTIVATING else Stage.FAILED, late
    return step.stage, ""


def _unresolved(plan: Plan, step: Step, now: float) -> tuple[Stage, str]:
    patience = min(ASK_FOR, plan.limits.instance_timeout)
    if now - step.since <= patience:
        return step.stage, ""
    return step.presumed, f"{step.reason}; asked what it runs, it did not answer within {patience} s"


def _mute(plan: Plan, instance: Instance, step: Step, now: float) -> bool:
    """It cannot be told anything. On the way back nobody waits for it: it would take the place of one that can."""
    if instance.online or not instance.settled:
        return False
    if plan.goes_back:
        return step.stage in (Stage.NEW, Stage.READY)
    return step.stage is Stage.NEW and now - step.since > AGENT_GRACE


def _must_join(plan: Plan, instance: Instance) -> bool:
    """It runs the target and is to serve; not on standby, and not where there is nothing to serve with."""
    if not plan.target.version or not instance.in_service:
        return False
    return instance.traffic not in (Traffic.NONE, Traffic.HEALTHY)


def _sick(plan: Plan, instance: Instance, step: Step) -> bool:
    if plan.goes_back:  # a way back is judged by markers alone: a sick instance is for the group to replace
        return False
    newly_marked = not instance.healthy and not step.marked
    return instance.settled and (newly_marked or instance.traffic is Traffic.UNHEALTHY)


def _late(plan: Plan, step: Step, now: float) -> str:
    began = step.since if step.stage is Stage.PREFETCHING else step.began_at
    timed = step.stage in IN_FLIGHT or step.stage is Stage.PREFETCHING
    if not timed or now - began <= plan.limits.instance_timeout:
        return ""
    return f"still {step.stage.value} after {plan.limits.instance_timeout} s"
