"""A second look at a decision before it is carried out, in terms of what must never happen.

It repeats none of the reasoning in `decide`, so a mistake there becomes a rollout that gives up instead of an outage.
"""

from __future__ import annotations

from collections.abc import Iterable

from deployer.core.actions import Action, Activate, Drain, Finish, Promote, Result
from deployer.core.fleet import Fleet
from deployer.core.plan import Plan, window_of
from deployer.core.progress import IN_FLIGHT, Progress, Stage


def flaw(plan: Plan, fleet: Fleet, progress: Progress, actions: Iterable[Action]) -> str:
    """What these actions would do that must never be done; "" where they are safe."""
    starting: set[str] = set()
    for action in actions:
        match action:
            case Drain(ids) | Activate(ids):
                starting.update(ids)
            case Promote() if not plan.goes_back and len(progress.at(Stage.PROVEN)) < _canary(plan, fleet):
                return "it would promote a release its canary has not proven"
            case Finish(Result.SUCCEEDED | Result.ROLLED_BACK) if unproven := _unproven(plan, fleet, progress):
                return f"it would end well without a proof of {', '.join(unproven)}"
            case _:
                pass
    return _too_many(plan, fleet, progress, starting)


def _canary(plan: Plan, fleet: Fleet) -> int:
    """How many must be proven before anything is promoted: one at least, whatever the canary."""
    return max(1, min(plan.limits.canary, len(fleet.settled)))


def _unproven(plan: Plan, fleet: Fleet, progress: Progress) -> list[str]:
    """Instances in service, on the way back only those touched, whose last marker does not prove the target."""
    target = plan.target
    owed = [each.id for each in fleet.settled if not plan.goes_back or progress.of(each.id).touched]
    markers = {each: progress.of(each).marker for each in owed if progress.of(each).stage is Stage.PROVEN}
    proven = {
        each
        for each, marker in markers.items()
        if marker and marker.proves(target.version, target.manifest_sha256, target.generation)
    }
    return [each for each in owed if each not in proven]


def _too_many(plan: Plan, fleet: Fleet, progress: Progress, starting: set[str]) -> str:
    doubted = (fleet.get(each) for each in progress.at(Stage.READY) if progress.of(each).in_doubt)
    perhaps_told = (each.id for each in doubted if each and each.settled)
    in_flight = {*progress.at(*IN_FLIGHT), *perhaps_told}  # both take up room already
    window = window_of(plan, len(fleet.settled))
    if starting <= in_flight or len(in_flight | starting) <= window:
        return ""
    return f"it would have {len(in_flight | starting)} instances in flight, and the window is {window}"
