"""What is seen of a group at one moment: its instances, their traffic, the alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

MISSING = "missing"
"""The state of an alarm that does not exist."""

FREEZE_TAG = "deploy-freeze"
"""On an Auto Scaling group: no new release, for the reason it holds; empty or `false`: no freeze."""


class Traffic(Enum):
    """An instance in the group's target groups, the worst of them counting (ELBv2 target states in brackets)."""

    NONE = "none"  # the group has no target group, or none that sends it anything [Target.NotInUse]
    HEALTHY = "healthy"
    STARTING = "starting"  # [initial]
    UNHEALTHY = "unhealthy"  # [unhealthy, unavailable]
    DRAINING = "draining"  # [draining, unhealthy.draining]
    OUT = "out"  # [unused, or not registered]


@dataclass(frozen=True)
class Instance:
    """One instance of the group. `lifecycle` is Auto Scaling's own word: Pending, InService, Standby, Terminating…"""

    id: str
    lifecycle: str
    healthy: bool = True
    online: bool = True
    traffic: Traffic = Traffic.NONE

    @property
    def coming(self) -> bool:
        """Launched, but not in service yet: it boots what is desired at that moment."""
        return self.lifecycle.startswith("Pending")

    @property
    def leaving(self) -> bool:
        return self.lifecycle.startswith(("Terminat", "Detach"))

    @property
    def settled(self) -> bool:
        """In the group for good: a rollout owes it a proof."""
        return not self.coming and not self.leaving

    @property
    def in_service(self) -> bool:
        """Auto Scaling counts it; on standby, for instance, it does not."""
        return self.lifecycle == "InService"

    @property
    def serving(self) -> bool:
        """Takes requests now, as far as the load balancer knows, or the group where there is none.

        Who answers the load balancer serves, though the group calls it unhealthy: that mark outlives its cause.
        """
        answers = self.healthy if self.traffic is Traffic.NONE else self.traffic is Traffic.HEALTHY
        return self.in_service and answers


@dataclass(frozen=True)
class Fleet:
    """The group as observed.

    `alarms`: each watched CloudWatch alarm and its state (OK, ALARM, INSUFFICIENT_DATA).
    `freeze`: why nothing new may come to the group, as its tag says; "" for no freeze.
    """

    instances: tuple[Instance, ...]
    alarms: Mapping[str, str] = field(default_factory=dict)
    freeze: str = ""

    def get(self, instance_id: str) -> Instance | None:
        """The instance with that id, if it is still there and not on its way out."""
        return self.present.get(instance_id)

    @property
    def behind_load_balancer(self) -> bool:
        return any(each.traffic is not Traffic.NONE for each in self.instances)

    @cached_property
    def settled(self) -> tuple[Instance, ...]:
        return tuple(each for each in self.instances if each.settled)

    @cached_property
    def present(self) -> Mapping[str, Instance]:
        """By id, those that are there or coming, not on their way out."""
        return {each.id: each for each in self.instances if not each.leaving}
