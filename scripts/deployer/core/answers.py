"""What a reply means for the instance that gave it. A marker is proof; without one nothing is known, only presumed."""

from __future__ import annotations

from deployer.core.marker import Marker
from deployer.core.orders import Delivery, Reply
from deployer.core.plan import Plan
from deployer.core.progress import Progress, Stage, Step


def hear(plan: Plan, progress: Progress, reply: Reply, now: float) -> Progress:
    """Progress with the reply to an instance's last order taken in; `now` in seconds since the epoch.

    An answer that comes when the instance was given up already changes nothing but what it is known to run.
    """
    step = progress.of(reply.instance_id)
    if reply.marker and not (step.stage is Stage.ASKING and reply.marker.reason):  # it may still be changing
        settled = step.stage is not Stage.ASKING or _proves(plan, reply.marker)
        progress = progress.heard(reply.instance_id, reply.marker, settled)
    if step.stage is Stage.ACTIVATING and reply.delivery in _PRESUMED:
        over = reply.delivery is Delivery.SILENT
        return progress.doubted(reply.instance_id, _PRESUMED[reply.delivery], now, reply.detail, over)
    stage, reason = _meaning(plan, step, reply)
    return progress if stage is step.stage else progress.moved((reply.instance_id,), stage, now, reason)


_PRESUMED = {Delivery.SILENT: Stage.FAILED, Delivery.UNHEARD: Stage.UNREACHABLE}


def _meaning(plan: Plan, step: Step, reply: Reply) -> tuple[Stage, str]:
    match step.stage:
        case Stage.PREFETCHING:
            return _prefetched(reply)
        case Stage.ACTIVATING:
            return _activated(plan, reply)
        case Stage.ASKING:
            return _told(plan, step, reply)
        case _:
            return step.stage, ""


def _prefetched(reply: Reply) -> tuple[Stage, str]:
    """Nothing that serves was touched, so a prefetch nobody heard of is no doubt, only unreachable."""
    if reply.marker is None:
        lost = Stage.FAILED if reply.delivery is Delivery.SILENT else Stage.UNREACHABLE
        return lost, reply.detail
    if reply.marker.outcome != "unchanged":
        return Stage.FAILED, reply.marker.reason or reply.marker.outcome
    return Stage.READY, ""


def _activated(plan: Plan, reply: Reply) -> tuple[Stage, str]:
    marker = reply.marker
    if marker is None:
        return Stage.UNREACHABLE, reply.detail
    if _proves(plan, marker):
        return Stage.ACTIVATED, ""
    return Stage.FAILED, f"{marker.outcome}: {marker.reason}" if marker.reason else marker.outcome


def _told(plan: Plan, step: Step, reply: Reply) -> tuple[Stage, str]:
    """The answer to what it runs; a marker of `status` gives a reason only where something is wrong."""
    marker = reply.marker
    if marker is None:
        return step.presumed, f"{step.reason}; asked what it runs: {reply.detail}"
    if _proves(plan, marker) and not marker.reason:
        return Stage.ACTIVATED, ""
    runs = f"runs {marker.version or 'nothing'}" + (f" ({marker.reason})" if marker.reason else "")
    return step.presumed, f"{step.reason}; asked, it {runs}"


def _proves(plan: Plan, marker: Marker) -> bool:
    target = plan.target
    return marker.proves(target.version, target.manifest_sha256, target.generation)
