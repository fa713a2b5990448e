"""What must be true before anything is changed; each check says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.core.errors import BadInput, DeployError
from deployer.core.fleet import FREEZE_TAG, MISSING, Fleet
from deployer.core.plan import Limits, forward_time, forward_window

MOST_ALARMS = 10
"""As many as an instance refresh of Auto Scaling takes; more would only make it likelier that one has no data."""


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


def check_alarms(names: Sequence[str]) -> None:
    """Raises BadInput for more alarms than a rollout is judged by."""
    if len(names) > MOST_ALARMS:
        raise BadInput(
            f"alarms names {len(names)} alarms, and a rollout is judged by {MOST_ALARMS} at most",
            "make one composite alarm of those that belong together, and give its name",
        )


def check_group(group: str, fleet: Fleet, limits: Limits, rollback: bool = False, half_done: bool = False) -> None:
    """The group as it is now. Raises DeployError, or BadInput where it is frozen or the policy does not fit it.

    `half_done`: the last rollout never ended. Neither a run that puts that right nor a rollback waits for alarms to be
    OK, which they may not be before.
    """
    if fleet.freeze and not rollback:
        raise BadInput(
            f"{group} is frozen, its tag {FREEZE_TAG} says: {fleet.freeze}",
            "ask whoever froze it; a rollback is let through. To end the freeze: aws autoscaling delete-tags"
            f" --tags ResourceId={group},ResourceType=auto-scaling-group,Key={FREEZE_TAG}",
        )
    _check_size(group, fleet, limits)
    _check_agents(group, fleet, limits)
    _check_alarms_exist(fleet)
    if not (rollback or half_done):
        _check_alarms_are_ok(fleet)


def not_ok(fleet: Fleet) -> dict[str, str]:
    """The alarms that are not OK now, with their states."""
    return {name: state for name, state in fleet.alarms.items() if state != "OK"}


def notes(fleet: Fleet, limits: Limits) -> tuple[str, ...]:
    """What a person should know of the group and the policy before a rollout begins, or is planned."""
    return tuple(each for each in (_who_serves(fleet, limits), _who_must_come_back(fleet)) if each)


def _who_must_come_back(fleet: Fleet) -> str:
    """The limit lets a rollout begin without them, and no rollout succeeds without them."""
    offline = [each.id for each in fleet.settled if not each.online]
    if not offline:
        return ""
    return f"not online in SSM: {', '.join(offline)}; unless that changes while it runs, this rollout turns back"


def _who_serves(fleet: Fleet, limits: Limits) -> str:
    """Said where the policy takes every instance out of service, else ""."""
    in_service = [each.id for each in fleet.settled if each.in_service]
    size = len(in_service)
    if size == 1:
        return f"{in_service[0]} is the only instance in service: nobody serves while its containers are swapped"
    if not size or forward_window(limits, len(fleet.settled)) < size:
        return ""
    canary = limits.canary - (len(fleet.settled) - size)  # what does not serve, as on standby, is taken first
    if 0 < canary < size:
        return f"after the canary all the others ({size - canary}) may change at once: only the canary serves meanwhile"
    return f"all {size} instances in service may change at once: nobody serves meanwhile"


def _check_size(group: str, fleet: Fleet, limits: Limits) -> None:
    size = len(fleet.settled)
    if not size:
        raise BadInput(
            f"{group} has no instance in service, so nothing could be proven",
            "raise the group's desired capacity, or look at its activity history for failing launches",
        )
    if limits.canary > size:
        raise BadInput(
            f"canary is {limits.canary}, and {group} has {size} instances",
            f"give --canary {size} or less",
        )
    in_service = [each for each in fleet.settled if each.in_service]
    if len(in_service) == 1 and limits.window.is_percent and limits.window.amount < 100:
        raise BadInput(
            f"{group} has one instance in service, which is down while its containers are swapped, and nobody else"
            f" serves meanwhile; max-unavailable {limits.window} does not allow that",
            "give --max-unavailable 1 (or 100%) to allow it, or raise the group's desired capacity to 2",
        )


def _check_agents(group: str, fleet: Fleet, limits: Limits) -> None:
    offline = [each.id for each in fleet.settled if not each.online]
    if len(offline) > limits.unreachable:
        raise DeployError(
            f"{len(offline)} instances of {group} are not online in SSM: {', '.join(offline)}",
            "check that the SSM agent runs there, that the instance role allows ssm:UpdateInstanceInformation and "
            "ssmmessages:*, and that the instances reach the SSM endpoints; or terminate them. To begin before they are"
            f" back: --unreachable-limit {len(offline)}; the rollout succeeds only if they come back while it runs",
        )


def _check_alarms_exist(fleet: Fleet) -> None:
    missing = [name for name, state in fleet.alarms.items() if state == MISSING]
    if missing:
        raise BadInput(f"these alarms do not exist: {', '.join(missing)}", "check the names given in `alarms`")


def _check_alarms_are_ok(fleet: Fleet) -> None:
    alarming = [f"{name} ({state})" for name, state in not_ok(fleet).items()]
    if alarming:
        raise DeployError(
            f"these alarms are not OK before the rollout begins: {', '.join(alarming)}",
            "a rollout could not be judged by them; wait until they are OK, or leave them out of `alarms`",
        )
