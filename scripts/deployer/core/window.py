"""Who is taken next: as many as canary and window have room for, and in which order.

An instance takes up room while it is in flight, while nobody knows what came of what it was told, and while it takes
no requests, whoever's doing that is.
"""

from __future__ import annotations

from dataclasses import replace

from deployer.core.fleet import Fleet, Instance, Traffic
from deployer.core.plan import Plan, window_of
from deployer.core.progress import IN_FLIGHT, Progress, Stage


def next_taken(plan: Plan, fleet: Fleet, progress: Progress, ready: list[Instance], now: float) -> list[Instance]:
    """As many as canary and window have room for.

    First who may still be at what it was told before the turn, for it takes up room already; then who does not serve,
    and takes nothing away, or is called unhealthy. Last who is on standby or gets nothing from the load balancer, for
    such a canary proves little.
    """
    window = window_of(plan, len(fleet.settled))
    in_flight = progress.at(*IN_FLIGHT)
    quota = min(window - len(in_flight), canary_quota(plan, fleet, progress, now))
    unknown = ready if plan.goes_back else fleet.settled  # going back, who was given up keeps nobody from coming back
    busy = {*in_flight, *(each.id for each in unknown if progress.of(each.id).in_doubt)}
    down = busy | {each.id for each in fleet.settled if _is_down(plan, progress, each)}

    def turn(each: Instance) -> tuple[bool, ...]:
        well = each.healthy and each.id not in down
        return each.id not in busy, well, not each.in_service, each.traffic is Traffic.NONE

    chosen: list[Instance] = []
    for each in sorted(ready, key=turn):
        takes_nothing_away = each.id in down and each.traffic is not Traffic.HEALTHY
        has_room = takes_nothing_away or len(down - {each.id}) < window
        if has_room and len(chosen) < quota and (each.id in busy or len(busy) < window):
            chosen.append(each)
            busy.add(each.id)
            down.add(each.id)
    return chosen


def _is_down(plan: Plan, progress: Progress, instance: Instance) -> bool:
    """It takes no requests, or, where no load balancer says so, was touched and is not known to run anything.

    Once it is proven, what the group calls it keeps no requests from it.
    """
    if not instance.in_service:
        return False
    step = progress.of(instance.id)
    stopped = step.touched and not step.running and bool(plan.target.version)
    serving = replace(instance, healthy=True).serving if step.stage is Stage.PROVEN else instance.serving
    return stopped or not serving


def canary_quota(plan: Plan, fleet: Fleet, progress: Progress, now: float) -> int:
    """How many more may start by the canary's rule: only the canary until it is proven and baked, then any number."""
    size = len(fleet.settled)
    canary = min(plan.limits.canary, size)
    proven = sorted(progress.of(each).since for each in progress.at(Stage.PROVEN))
    if len(proven) < canary:
        return canary - len(proven) - len(progress.at(*IN_FLIGHT))
    if canary and now < proven[canary - 1] + plan.limits.canary_bake:
        return 0
    return size
