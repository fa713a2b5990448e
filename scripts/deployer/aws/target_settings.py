"""How a target group checks, drains and sees its targets, read only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployer.aws.refusals import calling


@dataclass(frozen=True)
class TargetSettings:
    """A target group's health checks; times in seconds."""

    name: str
    protocol: str
    path: str
    """"" for protocols without one."""
    codes: str
    interval: int
    timeout: int
    healthy_after: int
    """Checks in a row."""
    unhealthy_after: int


@dataclass(frozen=True)
class TargetSeen:
    """One target: its state, and why it is not healthy in the load balancer's words."""

    instance_id: str
    state: str
    reason: str
    description: str


def settings(elbv2: Any, arn: str) -> TargetSettings:
    """The health checks of the target group `arn`."""
    with calling("elasticloadbalancing:DescribeTargetGroups"):
        found = elbv2.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
    return TargetSettings(
        name=found["TargetGroupName"],
        protocol=found.get("HealthCheckProtocol", ""),
        path=found.get("HealthCheckPath", ""),
        codes=found.get("Matcher", {}).get("HttpCode", ""),
        interval=int(found["HealthCheckIntervalSeconds"]),
        timeout=int(found["HealthCheckTimeoutSeconds"]),
        healthy_after=int(found["HealthyThresholdCount"]),
        unhealthy_after=int(found["UnhealthyThresholdCount"]),
    )


def drain_seconds(elbv2: Any, arn: str) -> int:
    """How long a target that leaves may finish what is under way (ELBv2: 300 unless set)."""
    with calling("elasticloadbalancing:DescribeTargetGroupAttributes"):
        found = elbv2.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    named = {each["Key"]: each["Value"] for each in found}
    return int(named.get("deregistration_delay.timeout_seconds", 300))


def targets(elbv2: Any, arn: str) -> tuple[TargetSeen, ...]:
    """What the load balancer says of each target."""
    with calling(f"elasticloadbalancing:DescribeTargetHealth of {arn}"):
        found = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return tuple(
        TargetSeen(
            each["Target"]["Id"],
            each["TargetHealth"]["State"],
            each["TargetHealth"].get("Reason", ""),
            each["TargetHealth"].get("Description", ""),
        )
        for each in found
    )
