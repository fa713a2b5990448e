"""The target groups of a group: who takes requests, who is on the way in or out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deployer.aws.refusals import calling
from deployer.core.fleet import Traffic

_BY_STATE = {
    "initial": Traffic.STARTING,
    "healthy": Traffic.HEALTHY,
    "unhealthy": Traffic.UNHEALTHY,
    "unavailable": Traffic.UNHEALTHY,
    "draining": Traffic.DRAINING,
    "unhealthy.draining": Traffic.DRAINING,
    "unused": Traffic.OUT,
}
_INSTANCE = re.compile(r"\bi-[0-9a-f]{8,17}\b")
_WORST_FIRST = (Traffic.DRAINING, Traffic.UNHEALTHY, Traffic.STARTING, Traffic.HEALTHY)


class TargetGroups:
    """Some target groups taken as one; `elbv2` is boto3's client. One call per target group and look."""

    def __init__(self, elbv2: Any, arns: Sequence[str]) -> None:
        self._elbv2 = elbv2
        self._arns = tuple(arns)

    def traffic(self, ids: Iterable[str]) -> dict[str, Traffic]:
        """Each instance's traffic, the worst of its target groups counting; NONE for all if there is none."""
        found = [self._states(arn) for arn in self._arns]
        return {each: _worst([states.get(each, Traffic.OUT) for states in found]) for each in ids}

    def deregister(self, ids: Iterable[str]) -> None:
        """Starts draining; deregistering who is not registered is no error (ELBv2)."""
        targets = [{"Id": each} for each in ids]
        for arn in self._arns:
            with calling(f"elasticloadbalancing:DeregisterTargets in {arn}"):
                self._elbv2.deregister_targets(TargetGroupArn=arn, Targets=targets)

    def register(self, ids: Iterable[str]) -> None:
        """Starts taking requests once the target group's health checks pass; who does not run any more is left out.

        One instance that died meanwhile has RegisterTargets refuse everyone it is called for (ELBv2: InvalidTarget).
        """
        ids = tuple(ids)
        for arn in self._arns:
            with calling(f"elasticloadbalancing:RegisterTargets in {arn}"):
                self._register(arn, ids)

    def _register(self, arn: str, ids: tuple[str, ...]) -> None:
        try:
            self._elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": each} for each in ids])
        except self._elbv2.exceptions.InvalidTargetException as error:
            dead = set(_INSTANCE.findall(str(error))).intersection(ids)
            if not dead:
                raise
            if left := tuple(each for each in ids if each not in dead):
                self._register(arn, left)

    def _states(self, arn: str) -> dict[str, Traffic]:
        """By instance, of those registered."""
        with calling(f"elasticloadbalancing:DescribeTargetHealth of {arn}"):
            described = self._elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return {each["Target"]["Id"]: _traffic(each["TargetHealth"]) for each in described}


def _traffic(health: Mapping[str, str]) -> Traffic:
    """Of one target; one that is not in use gets neither requests nor health checks, so nothing is to be waited for.

    No listener uses its target group, or the load balancer is not enabled in its zone, which says nothing of the others
    (ELBv2: Target.NotInUse).
    """
    if health.get("Reason") == "Target.NotInUse":
        return Traffic.NONE
    return _BY_STATE.get(health["State"], Traffic.UNHEALTHY)


def _worst(states: list[Traffic]) -> Traffic:
    """Out is who is in none of them; who is in some only is on the way in, and may take requests meanwhile."""
    used = [state for state in states if state is not Traffic.NONE]
    inside = [state for state in used if state is not Traffic.OUT]
    if not inside:
        return Traffic.OUT if used else Traffic.NONE
    worst = next(state for state in _WORST_FIRST if state in inside)
    return Traffic.STARTING if worst is Traffic.HEALTHY and len(inside) < len(used) else worst
