"""Commands nobody answers for, on a cloud whose delivery clock runs fast."""

from __future__ import annotations

from typing import Any

from localcloud.aws.run_command import Tempo
from localcloud.cloud import Cloud
from localcloud.faults import Asked
from tests.cloud.client import client_of
from tests.cloud.conftest import StartCloud
from tests.waiting import eventually

FAST = Tempo(visible_after=0.0, delivery=0.02)
"""A delivery timeout of 30 s takes 0.6 s."""


def send(cloud: Cloud, instance_id: str, *lines: str) -> str:
    sent = client_of(cloud, "ssm").send_command(
        DocumentName="AWS-RunShellScript",
        InstanceIds=[instance_id],
        Parameters={"commands": list(lines)},
        TimeoutSeconds=30,
    )
    command_id: str = sent["Command"]["CommandId"]
    return command_id


def details(cloud: Cloud, command_id: str) -> str:
    found: dict[str, Any] = client_of(cloud, "ssm").list_command_invocations(CommandId=command_id)
    invocation = found["CommandInvocations"][0]
    return f"{invocation['Status']}/{invocation['StatusDetails']}"


def test_a_command_to_a_silent_agent_ends_as_delivery_timed_out(start_cloud: StartCloud) -> None:
    cloud = start_cloud(tempo=FAST)
    (instance_id,) = cloud.fleet.members
    cloud.inject(Asked("silent-agent", instance_id))
    command_id = send(cloud, instance_id, "true")
    eventually("the command times out", lambda: details(cloud, command_id) == "TimedOut/DeliveryTimedOut")


def test_a_command_to_an_instance_that_is_gone_is_undeliverable(start_cloud: StartCloud) -> None:
    cloud = start_cloud(tempo=FAST)
    (instance_id,) = cloud.fleet.members
    client_of(cloud, "autoscaling").suspend_processes(AutoScalingGroupName=cloud.options.group)
    cloud.inject(Asked("silent-agent", instance_id))
    command_id = send(cloud, instance_id, "true")
    cloud.inject(Asked("instance-dies", instance_id))
    eventually("nobody answers", lambda: details(cloud, command_id) == "Failed/Undeliverable")


def test_a_command_under_way_when_the_machine_dies_stays_in_progress(start_cloud: StartCloud) -> None:
    cloud = start_cloud(tempo=FAST)
    (instance_id,) = cloud.fleet.members
    client_of(cloud, "autoscaling").suspend_processes(AutoScalingGroupName=cloud.options.group)
    command_id = send(cloud, instance_id, "sleep 600")
    eventually("it runs", lambda: details(cloud, command_id) == "InProgress/InProgress")
    cloud.inject(Asked("instance-dies", instance_id))
    eventually("the machine is gone", lambda: cloud.fleet.members[instance_id].ended)
    assert details(cloud, command_id) == "InProgress/InProgress"
