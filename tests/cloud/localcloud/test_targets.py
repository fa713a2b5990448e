"""Target health of the local cloud: real checks, states that take their time, and a load balancer that follows."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.resources import PORT
from tests.cloud.client import client_of
from tests.cloud.conftest import StartCloud
from tests.loopback_server import loopback_server
from tests.waiting import eventually


@dataclass
class Application:
    """What answers on an instance's port 8080, with a status that can be changed."""

    status: int = 200


@contextmanager
def application(address: str) -> Iterator[Application]:
    one = Application()

    with loopback_server(lambda request: request.reply(one.status, address), address, PORT):
        yield one


@contextmanager
def serving(cloud: Cloud) -> Iterator[dict[str, Application]]:
    """An application on every instance of the cloud."""
    with ExitStack() as stack:
        applications = {}
        for instance_id, member in cloud.fleet.members.items():
            assert member.machine
            applications[instance_id] = stack.enter_context(application(member.machine.address))
        yield applications


def health(cloud: Cloud, **wanted: Any) -> dict[str, dict[str, str]]:
    """Instance → state, reason and description."""
    arn = cloud.environment["TARGET_GROUP_ARN"]
    found = client_of(cloud, "elbv2").describe_target_health(TargetGroupArn=arn, **wanted)
    return {each["Target"]["Id"]: each["TargetHealth"] for each in found["TargetHealthDescriptions"]}


def states(cloud: Cloud) -> list[str]:
    return sorted(each["State"] for each in health(cloud).values())


def test_targets_get_healthy_by_real_answers_and_unhealthy_with_a_reason(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=2, target_group=True)
    assert states(cloud) == ["initial", "initial"]
    with serving(cloud) as applications:
        eventually("both are healthy", lambda: states(cloud) == ["healthy", "healthy"])
        sick, application = next(iter(applications.items()))
        application.status = 503
        eventually("one is unhealthy", lambda: health(cloud)[sick]["State"] == "unhealthy")
        assert health(cloud)[sick]["Reason"] == "Target.ResponseCodeMismatch"
        assert "503" in health(cloud)[sick]["Description"]
        application.status = 200
        eventually("it recovers", lambda: states(cloud) == ["healthy", "healthy"])
    eventually("nobody answers", lambda: states(cloud) == ["unhealthy", "unhealthy"])
    assert {each["Reason"] for each in health(cloud).values()} == {"Target.FailedHealthChecks"}


def test_a_deregistered_target_drains_and_is_unused_then(start_cloud: StartCloud) -> None:
    cloud = start_cloud(target_group=True)
    elb, arn = client_of(cloud, "elbv2"), cloud.environment["TARGET_GROUP_ARN"]
    (instance_id,) = cloud.fleet.members
    targets = [{"Id": instance_id}]
    elb.deregister_targets(TargetGroupArn=arn, Targets=targets)
    elb.deregister_targets(TargetGroupArn=arn, Targets=targets)
    assert health(cloud)[instance_id]["State"] == "draining"
    assert health(cloud)[instance_id]["Reason"] == "Target.DeregistrationInProgress"
    eventually("it is drained", lambda: health(cloud) == {}, patience=5)
    assert health(cloud, Targets=targets)[instance_id]["Reason"] == "Target.NotRegistered"
    for _ in range(20):
        cloud.fleet.tick()
    assert health(cloud) == {}, "the group does not register again what a client took out"
    elb.register_targets(TargetGroupArn=arn, Targets=targets)
    assert health(cloud)[instance_id]["State"] == "initial"


def test_only_running_instances_can_be_registered(start_cloud: StartCloud) -> None:
    cloud = start_cloud(target_group=True)
    elb, arn = client_of(cloud, "elbv2"), cloud.environment["TARGET_GROUP_ARN"]
    with pytest.raises(ClientError) as caught:
        elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "i-00000000000000000"}])
    assert caught.value.response["Error"]["Code"] == "InvalidTarget"
    with pytest.raises(ClientError) as caught:
        elb.describe_target_health(TargetGroupArn=arn + "0")
    assert caught.value.response["Error"]["Code"] == "TargetGroupNotFound"


def test_a_group_with_elb_checks_replaces_what_fails_them_but_not_while_they_are_suspended(
    start_cloud: StartCloud,
) -> None:
    cloud = start_cloud(target_group=True, health_check_type="ELB", max_size=2)
    client = client_of(cloud, "autoscaling")
    (first,) = cloud.fleet.members
    names = {"AutoScalingGroupName": cloud.options.group}
    client.suspend_processes(**names, ScalingProcesses=["HealthCheck"])
    client.update_auto_scaling_group(**names, HealthCheckGracePeriod=1)
    eventually("the target is unhealthy", lambda: health(cloud)[first]["State"] == "unhealthy")
    eventually("grace is over", lambda: cloud.fleet.members[first].seconds_in_service() > 1)
    for _ in range(20):
        cloud.fleet.tick()
    assert list(cloud.fleet.members) == [first]
    client.resume_processes(**names, ScalingProcesses=["HealthCheck"])
    eventually("it is replaced", lambda: first not in cloud.fleet.members)


def test_the_load_balancer_sends_requests_to_healthy_targets_only(start_cloud: StartCloud) -> None:
    cloud = start_cloud(instances=2, target_group=True)
    url = cloud.environment.get("LOAD_BALANCER_URL")
    assert url, "haproxy is not installed: run localcloud/install"

    def answers() -> set[str]:
        seen = set()
        for _ in range(6):
            try:
                with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310
                    seen.add(response.read().decode())
            except urllib.error.HTTPError as error:
                seen.add(str(error.code))
        return seen

    with serving(cloud):
        both = {each.machine.address for each in cloud.fleet.members.values() if each.machine}
        eventually("both answer", lambda: answers() == both)
        taken, left = list(cloud.fleet.members)
        arn = cloud.environment["TARGET_GROUP_ARN"]
        client_of(cloud, "elbv2").deregister_targets(TargetGroupArn=arn, Targets=[{"Id": taken}])
        eventually("one answers", lambda: answers() == {cloud.fleet.address_of(left)})
