"""Auto Scaling of the local cloud: machines follow the group, states follow the machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud, CloudError
from localcloud.faults import Asked
from localcloud.resources import HOOK
from tests.cloud.client import client_of
from tests.cloud.conftest import QUICK, StartCloud
from tests.waiting import eventually

WAIT_FOR_NOBODY = {"user_data": QUICK, "launch_hook": True}


def states(cloud: Cloud) -> dict[str, str]:
    """Instance → lifecycle state, as the group's description says."""
    found = client_of(cloud, "autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[cloud.options.group])
    return {each["InstanceId"]: each["LifecycleState"] for each in found["AutoScalingGroups"][0]["Instances"]}


def scale(cloud: Cloud, desired: int) -> None:
    client_of(cloud, "autoscaling").set_desired_capacity(
        AutoScalingGroupName=cloud.options.group, DesiredCapacity=desired
    )


def settled(cloud: Cloud, count: int) -> list[str]:
    """The group's instances once exactly `count` are there, all in service."""

    def look() -> list[str] | None:
        now = states(cloud)
        return sorted(now) if list(now.values()) == ["InService"] * count else None

    ids: list[str] = eventually(f"{count} instances in service", look)
    return ids


def newborn(cloud: Cloud, before: list[str], state: str) -> str:
    """The one instance that was not there before, once it is in `state`."""

    def look() -> str | None:
        fresh = [each for each, now in states(cloud).items() if each not in before and now == state]
        return fresh[0] if fresh else None

    instance_id: str = eventually(f"a newborn is {state}", look)
    return instance_id


def complete(cloud: Cloud, instance_id: str, result: str) -> None:
    client_of(cloud, "autoscaling").complete_lifecycle_action(
        AutoScalingGroupName=cloud.options.group,
        LifecycleHookName=HOOK,
        InstanceId=instance_id,
        LifecycleActionResult=result,
    )


def suspend(cloud: Cloud, *processes: str) -> None:
    client_of(cloud, "autoscaling").suspend_processes(
        AutoScalingGroupName=cloud.options.group, ScalingProcesses=list(processes)
    )


def resume(cloud: Cloud, *processes: str) -> None:
    client_of(cloud, "autoscaling").resume_processes(
        AutoScalingGroupName=cloud.options.group, ScalingProcesses=list(processes)
    )


def test_a_group_grows_and_shrinks_and_machines_follow(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=2, max_size=4)
    scale(cloud, 4)
    ids = settled(cloud, 4)
    agents = client_of(cloud, "ssm").describe_instance_information()["InstanceInformationList"]
    assert sorted(each["InstanceId"] for each in agents) == ids
    zones = {cloud.fleet.members[each].entry.availability_zone for each in ids}
    assert len(zones) == 3
    scale(cloud, 1)
    (survivor,) = settled(cloud, 1)
    assert survivor in ids
    eventually("only one machine is left", lambda: list(cloud.fleet.members) == [survivor])


def test_capacity_beyond_the_limits_is_refused(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=1, max_size=2)
    with pytest.raises(ClientError, match="above max value 2"):
        scale(cloud, 3)


def test_a_newborn_waits_for_its_hook_and_enters_service_on_continue(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=0, max_size=2, **WAIT_FOR_NOBODY)
    scale(cloud, 1)
    instance_id = newborn(cloud, [], "Pending:Wait")
    client_of(cloud, "autoscaling").record_lifecycle_action_heartbeat(
        AutoScalingGroupName=cloud.options.group, LifecycleHookName=HOOK, InstanceId=instance_id
    )
    assert states(cloud) == {instance_id: "Pending:Wait"}
    complete(cloud, instance_id, "CONTINUE")
    assert settled(cloud, 1) == [instance_id]
    with pytest.raises(ClientError, match="No active Lifecycle Action"):
        complete(cloud, instance_id, "CONTINUE")


def test_an_abandoned_newborn_is_replaced(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=0, max_size=2, **WAIT_FOR_NOBODY)
    scale(cloud, 1)
    first = newborn(cloud, [], "Pending:Wait")
    complete(cloud, first, "ABANDON")
    second = newborn(cloud, [first], "Pending:Wait")
    eventually("the abandoned one is gone", lambda: list(states(cloud)) == [second])


ABANDON = f"""\
#!/bin/sh
# An instance of the process runtime starts in a directory that has its name.
aws autoscaling complete-lifecycle-action --lifecycle-action-result ABANDON --lifecycle-hook-name {HOOK} \\
  --auto-scaling-group-name orange-web --instance-id "$(basename "$PWD")"
"""


def test_a_cloud_whose_first_instance_gives_up_does_not_start_and_says_so(
    start_cloud: StartCloud, tmp_path: Path
) -> None:
    with pytest.raises(CloudError, match="a lifecycle hook was abandoned"):
        start_cloud(user_data=ABANDON, launch_hook=True)
    assert not (tmp_path / "cloud" / "instances").exists()


def test_user_data_itself_can_complete_the_hook(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=1, user_data=None, launch_hook=True)
    assert list(states(cloud).values()) == ["InService"]


ANSWERS = """\
#!/bin/sh
answer() {
  aws autoscaling "$1" --lifecycle-hook-name deployer-boot --auto-scaling-group-name orange-web \\
    --instance-id "$(basename "$PWD")" $2 $3
}
until answer record-lifecycle-action-heartbeat; do sleep 0.2; done
"""
BEATS = f"{ANSWERS}answer complete-lifecycle-action --lifecycle-action-result CONTINUE\n"
GIVES_UP = f"""{ANSWERS}echo "lifecycle hook deployer-boot: ABANDON: no such bucket"
answer complete-lifecycle-action --lifecycle-action-result ABANDON
"""


def test_an_instance_itself_can_say_that_its_boot_goes_on(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=1, user_data=BEATS, launch_hook=True)
    asked = {each.action for each in cloud.authorised.rows if each.principal == "orange-web-instance"}
    assert asked == {"autoscaling:RecordLifecycleActionHeartbeat", "autoscaling:CompleteLifecycleAction"}


def test_a_cloud_whose_instances_do_not_boot_says_what_their_console_says(start_cloud: StartCloud) -> None:
    with pytest.raises(CloudError, match=r"did not boot: .*: lifecycle hook deployer-boot: ABANDON: no such bucket"):
        start_cloud(instances=1, user_data=GIVES_UP, launch_hook=True)


def test_a_heartbeat_that_runs_out_abandons(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=0, max_size=2, **WAIT_FOR_NOBODY)
    client_of(cloud, "autoscaling").put_lifecycle_hook(
        AutoScalingGroupName=cloud.options.group,
        LifecycleHookName=HOOK,
        LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
        HeartbeatTimeout=1,
    )
    scale(cloud, 1)
    first = newborn(cloud, [], "Pending:Wait")
    newborn(cloud, [first], "Pending:Wait")


def test_nothing_is_launched_while_launch_is_suspended(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=1, max_size=3)
    before = settled(cloud, 1)
    suspend(cloud, "Launch")
    scale(cloud, 2)
    for _ in range(20):
        cloud.fleet.tick()
    assert sorted(states(cloud)) == before
    resume(cloud, "Launch")
    assert len(settled(cloud, 2)) == 2


def test_an_unhealthy_instance_is_replaced_unless_that_is_suspended(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=1, max_size=2)
    (first,) = settled(cloud, 1)
    suspend(cloud, "ReplaceUnhealthy")
    client_of(cloud, "autoscaling").set_instance_health(InstanceId=first, HealthStatus="Unhealthy")
    for _ in range(20):
        cloud.fleet.tick()
    assert states(cloud) == {first: "InService"}
    resume(cloud, "ReplaceUnhealthy")
    second = newborn(cloud, [first], "InService")
    assert eventually("the unhealthy one is gone", lambda: list(states(cloud)) == [second])


def test_an_instance_that_dies_is_replaced(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=1, max_size=2)
    (first,) = settled(cloud, 1)
    cloud.inject(Asked("instance-dies", first))
    newborn(cloud, [first], "InService")
    described = client_of(cloud, "ec2").describe_instances(InstanceIds=[first])
    assert described["Reservations"][0]["Instances"][0]["State"]["Name"] == "terminated"


def test_standby_below_the_minimum_is_refused_and_a_return_from_standby_serves_again(
    start_cloud: StartCloud,
) -> None:
    cloud = start_cloud(instances=2, min_size=1)
    first, second = settled(cloud, 2)
    client = client_of(cloud, "autoscaling")
    wanted: dict[str, Any] = {
        "AutoScalingGroupName": cloud.options.group,
        "ShouldDecrementDesiredCapacity": True,
    }
    client.enter_standby(InstanceIds=[first], **wanted)
    assert states(cloud) == {first: "Standby", second: "InService"}
    with pytest.raises(ClientError, match="min-size=1"):
        client.enter_standby(InstanceIds=[second], **wanted)
    client.exit_standby(InstanceIds=[first], AutoScalingGroupName=cloud.options.group)
    assert settled(cloud, 2) == [first, second]


def test_terminating_without_decrement_brings_another_one(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=1, max_size=2)
    (first,) = settled(cloud, 1)
    client = client_of(cloud, "autoscaling")
    client.terminate_instance_in_auto_scaling_group(InstanceId=first, ShouldDecrementDesiredCapacity=False)
    second = newborn(cloud, [first], "InService")
    eventually("the first one is gone", lambda: list(states(cloud)) == [second])
    history = client.describe_scaling_activities(AutoScalingGroupName=cloud.options.group)["Activities"]
    assert any(first in each["Description"] and "Terminating" in each["Description"] for each in history)


def test_a_deleted_group_takes_its_machines_along(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=1)
    client = client_of(cloud, "autoscaling")
    with pytest.raises(ClientError) as caught:
        client.delete_auto_scaling_group(AutoScalingGroupName=cloud.options.group)
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"
    client.delete_auto_scaling_group(AutoScalingGroupName=cloud.options.group, ForceDelete=True)
    eventually("no machine is left", lambda: not cloud.fleet.members)


def test_a_silent_agent_takes_nothing_and_reports_once_it_talks_again(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=1)
    (instance_id,) = settled(cloud, 1)
    cloud.inject(Asked("silent-agent", instance_id))
    ssm = client_of(cloud, "ssm")
    (known,) = ssm.describe_instance_information()["InstanceInformationList"]
    assert known["PingStatus"] == "ConnectionLost"
    sent = ssm.send_command(
        DocumentName="AWS-RunShellScript", InstanceIds=[instance_id], Parameters={"commands": ["true"]}
    )
    command_id = sent["Command"]["CommandId"]

    def status() -> str:
        found = ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"]
        return found[0]["Status"] if found else ""

    assert eventually("the command is seen", status) == "Pending"
    cloud.inject(Asked("silent-agent", instance_id, clear=True))
    eventually("the command succeeds", lambda: status() == "Success")
