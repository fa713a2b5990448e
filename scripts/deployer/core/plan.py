"""What one rollout sets out to do: the target, the way back, and the limits it holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum

from deployer.core.quantities import Seconds, Share


class Direction(Enum):
    FORWARD = "forward"
    BACK = "back"


@dataclass(frozen=True)
class Target:
    """A release and the generation under which instances are told to run it; version "" means: run nothing."""

    version: str
    manifest_sha256: str
    generation: int


@dataclass(frozen=True)
class Limits:
    """How carefully instances are taken. Times in seconds."""

    canary: int = 1
    canary_bake: Seconds = Seconds(0)
    window: Share = field(default_factory=lambda: Share(33, True))
    failures: int = 0
    unreachable: int = 0
    bake: Seconds = Seconds(0)
    instance_timeout: Seconds = Seconds(600)
    timeout: Seconds = Seconds(3600)


@dataclass(frozen=True)
class Plan:
    """One direction of one rollout. Times are seconds since the epoch.

    `drain`: instances leave their target groups while they change.
    `auto_rollback`: turn back when the rollout fails; a plan that goes back never turns again.
    `after_crash`: the rollout before this one never ended, so that any instance may run either release, or be out of
    its target groups.
    """

    target: Target
    previous: Target | None
    limits: Limits
    drain: bool
    auto_rollback: bool
    started_at: float
    direction: Direction = Direction.FORWARD
    after_crash: bool = False

    @property
    def goes_back(self) -> bool:
        return self.direction is Direction.BACK

    @property
    def deadline(self) -> float:
        """When this direction must end (epoch seconds)."""
        if self.goes_back:
            return self.started_at + self.limits.timeout
        return self.started_at + forward_time(self.limits, self.auto_rollback)


def forward_time(limits: Limits, auto_rollback: bool) -> float:
    """Seconds a rollout has to get there: a third of its time is kept for the way back, if it may go back."""
    return limits.timeout * (2 / 3 if auto_rollback else 1.0)


def turned_back(plan: Plan, generation: int) -> Plan:
    """The plan that puts the previous release back under a new generation: a wider window, no canary, no bake.

    Where there is no previous release its target is version "": what was started is taken down.
    The deadline stays that of the whole rollout. Rolling back may fill a third of the group at once even where going
    forward took one at a time: an instance that failed does not serve anyway.
    """
    previous = plan.previous or Target("", "", 0)
    return replace(
        plan,
        target=replace(previous, generation=generation),
        limits=replace(plan.limits, canary=0, canary_bake=Seconds(0), bake=Seconds(0)),
        direction=Direction.BACK,
    )


def forward_window(limits: Limits, group_size: int) -> int:
    """How many of `group_size` instances may be unavailable at once on the way forward; at least one."""
    return max(1, limits.window.of(group_size))


def window_of(plan: Plan, group_size: int) -> int:
    """How many of `group_size` instances may be unavailable at once in this direction; at least one."""
    forward = forward_window(plan.limits, group_size)
    if not plan.goes_back:
        return forward
    return min(max(1, group_size), max(2 * forward, math.ceil(group_size / 3)))
