"""One Auto Scaling group with its target groups: what the rollout observes and moves.

All Auto Scaling calls share one throttle bucket per account and region, so a look costs one call for the group, one
for each target group, and one for the SSM agents not yet known to be online.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deployer.aws.agents import Agents
from deployer.aws.alarms import Alarms
from deployer.aws.refusals import calling
from deployer.aws.target_groups import TargetGroups
from deployer.core.errors import BadInput
from deployer.core.fleet import FREEZE_TAG, Fleet, Instance


@dataclass(frozen=True)
class Described:
    """A group as Auto Scaling describes it."""

    name: str
    instances: tuple[Mapping[str, Any], ...]
    target_group_arns: tuple[str, ...]
    suspended: tuple[str, ...]
    freeze: str = ""
    desired_capacity: int = 0
    health_check_type: str = "EC2"
    launch_template: Mapping[str, str] = field(default_factory=dict)
    """LaunchTemplateId or LaunchTemplateName, and Version; empty for a group without one."""
    mixed_instances: bool = False
    """Whether that stands in a mixed instances policy, which a launch template given to the group would replace."""


class AutoScalingGroup:
    """A rollout.ports.Group. `autoscaling` is boto3's client."""

    def __init__(
        self, autoscaling: Any, name: str, target_groups: TargetGroups, agents: Agents, alarms: Alarms
    ) -> None:
        self.name = name
        self._autoscaling = autoscaling
        self._target_groups, self._agents, self._alarms = target_groups, agents, alarms

    def observe(self) -> Fleet:
        """The group as it is now; raises Refused, or BadInput where there is no such group."""
        described = self.describe()
        ids = [str(each["InstanceId"]) for each in described.instances]
        traffic = self._target_groups.traffic(ids)
        online = self._agents.online(ids)
        instances = tuple(
            Instance(
                id=str(each["InstanceId"]),
                lifecycle=str(each["LifecycleState"]),
                healthy=each["HealthStatus"] == "Healthy",
                online=each["InstanceId"] in online,
                traffic=traffic[each["InstanceId"]],
            )
            for each in described.instances
        )
        return Fleet(instances, self._alarms.states(), described.freeze)

    def describe(self) -> Described:
        """The group as Auto Scaling describes it."""
        return describe(self._autoscaling, self.name)

    def drain(self, ids: Iterable[str]) -> None:
        """Takes instances out of every target group; returns before they are out."""
        self._target_groups.deregister(ids)

    def register(self, ids: Iterable[str]) -> None:
        """Puts instances into every target group; returns before they are healthy."""
        self._target_groups.register(ids)

    def suspend(self, processes: Iterable[str]) -> tuple[str, ...]:
        """Suspends scaling processes and returns those that were not suspended before."""
        suspended = self.describe().suspended
        new = tuple(each for each in processes if each not in suspended)
        if new:
            with calling(f"autoscaling:SuspendProcesses on {self.name}"):
                self._autoscaling.suspend_processes(AutoScalingGroupName=self.name, ScalingProcesses=list(new))
        return new

    def resume(self, processes: Iterable[str]) -> None:
        """Resumes scaling processes; resuming one that runs is no error."""
        with calling(f"autoscaling:ResumeProcesses on {self.name}"):
            self._autoscaling.resume_processes(AutoScalingGroupName=self.name, ScalingProcesses=list(processes))


def describe(autoscaling: Any, name: str) -> Described:
    """The group `name`; raises BadInput where there is none."""
    with calling(f"autoscaling:DescribeAutoScalingGroups of {name}"):
        found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not found:
        raise BadInput(
            f"there is no Auto Scaling group {name} in {autoscaling.meta.region_name}",
            "check auto-scaling-group and aws-region, and that the credentials belong to the right account",
        )
    group = found[0]
    return Described(
        name=name,
        instances=tuple(group.get("Instances", ())),
        target_group_arns=tuple(group.get("TargetGroupARNs", ())),
        suspended=tuple(each["ProcessName"] for each in group.get("SuspendedProcesses", ())),
        freeze=_freeze({each["Key"]: each.get("Value", "") for each in group.get("Tags", ())}),
        desired_capacity=int(group.get("DesiredCapacity", 0)),
        health_check_type=str(group.get("HealthCheckType", "EC2")),
        launch_template=_launch_template(group),
        mixed_instances=not group.get("LaunchTemplate") and bool(group.get("MixedInstancesPolicy")),
    )


def launch_hooks(autoscaling: Any, name: str) -> tuple[Mapping[str, Any], ...]:
    """The group's launch lifecycle hooks, as DescribeLifecycleHooks gives them."""
    with calling(f"autoscaling:DescribeLifecycleHooks of {name}"):
        hooks = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
    return tuple(each for each in hooks if each["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_LAUNCHING")


def _launch_template(group: Mapping[str, Any]) -> Mapping[str, str]:
    """Its own, or the one of its mixed instances policy."""
    mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification", {})
    named: Mapping[str, str] = group.get("LaunchTemplate") or mixed
    return named


def _freeze(tags: Mapping[str, str]) -> str:
    """The reason on one line, for a tag may hold several (Auto Scaling)."""
    reason = " ".join(tags.get(FREEZE_TAG, "").split())
    return "" if reason == "false" else reason
