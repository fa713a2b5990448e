"""What must be true before anything is changed; each check says what is wrong and what to do."""

from __future__ import annotations

from deployer.core.errors import BadInput, DeployError
from deployer.core.fleet import MISSING, Fleet
from deployer.core.plan import Limits, forward_time


def check_limits(limits: Limits, auto_rollback: bool) -> None:
    """Policy that cannot be carried out. Raises BadInput."""
    if limits.window.amount == 0:
        raise BadInput(
            "max-unavailable is 0, so no instance could ever be taken",
            "give at least 1, or a percentage such as 33%",
        )
    least, there_is = limits.canary_bake + limits.bake + limits.instance_timeout, forward_time(limits, auto_rollback)
    if least >= there_is:
        kept = f", a third of which is kept for the way back: {there_is:.0f} s remain" if auto_rollback else ""
        raise BadInput(
            f"canary-bake, bake and instance-timeout take {least} s, and timeout is {limits.timeout} s{kept}",
            "give a longer timeout, or bake for less",
        )


def check_fleet(group: str, fleet: Fleet, limits: Limits) -> None:
    """The group as it is now. Raises DeployError, or BadInput where the policy does not fit it."""
    if not fleet.settled:
        raise BadInput(
            f"{group} has no instance in service, so nothing could be proven",
            "raise the group's desired capacity, or look at its activity history for failing launches",
        )
    if limits.canary > len(fleet.settled):
        raise BadInput(
            f"canary is {limits.canary}, and {group} has {len(fleet.settled)} instances",
            f"give --canary {len(fleet.settled)} or less",
        )
    offline = [each.id for each in fleet.settled if not each.online]
    if len(offline) > limits.unreachable:
        raise DeployError(
            f"{len(offline)} instances of {group} are not online in SSM: {', '.join(offline)}",
            "check that the SSM agent runs there, that the instance role allows ssm:UpdateInstanceInformation and "
            "ssmmessages:*, and that the instances reach the SSM endpoints",
        )
    missing = [name for name, state in fleet.alarms.items() if state == MISSING]
    if missing:
        raise BadInput(f"these alarms do not exist: {', '.join(missing)}", "check the names given in `alarms`")
    alarming = [f"{name} ({state})" for name, state in fleet.alarms.items() if state != "OK"]
    if alarming:
        raise DeployError(
            f"these alarms are not OK before the rollout begins: {', '.join(alarming)}",
            "a rollout could not be judged by them; wait until they are OK, or leave them out of `alarms`",
        )
