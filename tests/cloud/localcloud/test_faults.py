"""What goes wrong on request in the local cloud, as a client of the API and a person at the command line see it."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from localcloud.cloud import Cloud
from localcloud.control import ControlError
from localcloud.desk import Desk
from localcloud.faults import FAULTS, Asked, UnknownFault, described
from localcloud.runtime import process_image
from localcloud.runtime.process import ProcessRuntime
from tests.cloud.client import client_of
from tests.waiting import eventually


@pytest.fixture
def ids(cloud: Cloud) -> list[str]:
    return sorted(cloud.fleet.members)


@pytest.fixture
def inject(cloud: Cloud) -> Iterator[Any]:
    """Makes something go wrong; whatever is left of it ends with the test."""
    begun: list[Asked] = []

    def start(name: str, **wanted: Any) -> str:
        begun.append(Asked(name, wanted.get("instance", ""), clear=True))
        return cloud.inject(Asked(name, **wanted))

    yield start
    for each in begun:
        cloud.inject(each)


def send(cloud: Cloud, instance_id: str, line: str) -> str:
    sent = client_of(cloud, "ssm").send_command(
        DocumentName="AWS-RunShellScript", InstanceIds=[instance_id], Parameters={"commands": [line]}
    )
    command_id: str = sent["Command"]["CommandId"]
    return command_id


def ending(cloud: Cloud, command_id: str) -> str:
    def look() -> str:
        found = client_of(cloud, "ssm").list_command_invocations(CommandId=command_id)["CommandInvocations"]
        over = [str(each["StatusDetails"]) for each in found if each["Status"] not in ("Pending", "InProgress")]
        return over[0] if over else ""

    return eventually("the command ends", look)


def lines(cloud: Cloud, instance_id: str, name: str) -> int:
    assert isinstance(cloud.runtime, ProcessRuntime)
    file: Path = cloud.runtime.root(instance_id) / name
    return len(file.read_text().splitlines()) if file.exists() else 0


def refusal(call: Any, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_the_next_calls_of_one_operation_are_throttled_and_no_others(cloud: Cloud, inject: Any) -> None:
    groups, ssm = client_of(cloud, "autoscaling"), client_of(cloud, "ssm")
    inject("throttling", operation="ssm:DescribeInstanceInformation", calls=2)
    assert ssm.list_commands()["ResponseMetadata"]["HTTPStatusCode"] == 200
    for _ in range(2):
        assert refusal(ssm.describe_instance_information) == (400, "ThrottlingException")
    assert ssm.describe_instance_information()["InstanceInformationList"]
    inject("throttling", operation="autoscaling")
    assert refusal(groups.describe_auto_scaling_groups) == (400, "Throttling")
    assert groups.describe_auto_scaling_groups()["AutoScalingGroups"]


def test_throttling_for_some_time_ends_by_itself_or_when_it_is_taken_back(cloud: Cloud, inject: Any) -> None:
    s3 = client_of(cloud, "s3")
    inject("throttling", operation="s3", seconds=600)
    assert refusal(s3.list_objects_v2, Bucket=cloud.options.bucket) == (503, "SlowDown")
    cloud.inject(Asked("throttling", clear=True))
    assert "ResponseMetadata" in s3.list_objects_v2(Bucket=cloud.options.bucket)
    inject("throttling", operation="s3", seconds=0.2)
    eventually("it is over", lambda: _answers(s3, cloud.options.bucket))


def _answers(s3: Any, bucket: str) -> bool:
    try:
        s3.list_objects_v2(Bucket=bucket)
    except ClientError:
        return False
    return True


def test_a_conditional_write_meets_a_conflict_and_others_do_not(cloud: Cloud, inject: Any) -> None:
    s3, place = client_of(cloud, "s3"), {"Bucket": cloud.options.bucket, "Key": "conflict"}
    inject("s3-conflict")
    s3.put_object(**place, Body=b"unconditional")
    assert refusal(s3.put_object, **place, Body=b"", IfMatch='"0"') == (409, "ConditionalRequestConflict")
    assert refusal(s3.put_object, **place, Body=b"", IfMatch='"0"') == (412, "PreconditionFailed")


@pytest.mark.parametrize("name", ["lost-reply", "server-error"])
def test_a_call_whose_answer_is_lost_is_carried_out_all_the_same(cloud: Cloud, inject: Any, name: str) -> None:
    s3, place = client_of(cloud, "s3"), {"Bucket": cloud.options.bucket, "Key": name}
    inject(name, operation="s3:PutObject")
    with pytest.raises((ConnectionClosedError, ClientError)):
        s3.put_object(**place, Body=b"written")
    assert s3.get_object(**place)["Body"].read() == b"written"


def test_every_call_is_counted_by_service_and_operation(cloud: Cloud) -> None:
    before = cloud.server.calls.counted()
    client_of(cloud, "ssm").list_commands()
    client_of(cloud, "autoscaling").describe_auto_scaling_groups()
    client_of(cloud, "elbv2").describe_target_groups()
    client_of(cloud, "cloudwatch").describe_alarms()
    s3 = client_of(cloud, "s3")
    s3.put_object(Bucket=cloud.options.bucket, Key="counted", Body=b"")
    s3.list_objects_v2(Bucket=cloud.options.bucket)
    assert {str(call): count for call, count in (cloud.server.calls.counted() - before).items()} == {
        "ssm:ListCommands": 1,
        "autoscaling:DescribeAutoScalingGroups": 1,
        "elasticloadbalancing:DescribeTargetGroups": 1,
        "cloudwatch:DescribeAlarms": 1,
        "s3:PutObject": 1,
        "s3:ListObjectsV2": 1,
    }


def test_a_command_delivered_twice_runs_twice_and_ends_once(cloud: Cloud, ids: list[str], inject: Any) -> None:
    inject("duplicate-delivery", instance=ids[0])
    assert ending(cloud, send(cloud, ids[0], "echo run >>$DEPLOYER_ROOT/twice")) == "Success"
    eventually("it has run again", lambda: lines(cloud, ids[0], "twice") == 2)
    assert ending(cloud, send(cloud, ids[0], "echo run >>$DEPLOYER_ROOT/once")) == "Success"
    assert lines(cloud, ids[0], "once") == 1


def test_a_lost_answer_is_a_delivery_time_out_of_what_was_carried_out(
    cloud: Cloud, ids: list[str], inject: Any
) -> None:
    inject("lost-answer", instance=ids[0])
    assert ending(cloud, send(cloud, ids[0], "echo run >>$DEPLOYER_ROOT/unheard")) == "DeliveryTimedOut"
    assert lines(cloud, ids[0], "unheard") == 1


def test_the_registry_answers_late(cloud: Cloud, inject: Any) -> None:
    image = process_image.push(cloud.registry.address, "slow", "v1")
    inject("slow-pull", seconds=0.3)
    began = time.monotonic()
    process_image.pull(image, cloud.registry.address)
    assert time.monotonic() - began >= 0.3


def test_health_checks_fail_on_one_instance_by_request(cloud: Cloud, ids: list[str], inject: Any) -> None:
    inject("target-unhealthy", instance=ids[0])

    def said() -> str:
        found = client_of(cloud, "elbv2").describe_target_health(
            TargetGroupArn=cloud.environment["TARGET_GROUP_ARN"], Targets=[{"Id": ids[0]}]
        )
        return str(found["TargetHealthDescriptions"][0]["TargetHealth"].get("Reason", ""))

    eventually("it is unhealthy", lambda: said() == "Target.FailedHealthChecks")


def test_an_application_answers_503_until_it_is_healed(cloud: Cloud, ids: list[str], inject: Any) -> None:
    image = process_image.push(cloud.registry.address, "web", "v1")
    compose = f'services: {{web: {{image: "{image}", ports: ["8080:8080"]}}}}'
    files = f"echo '{compose}' >c.yml; : >env"
    place = "-p web --project-directory . --env-file ./env -f ./c.yml"
    line = f"cd $DEPLOYER_ROOT; {files}; docker compose {place} up -d --no-build --remove-orphans"
    assert ending(cloud, send(cloud, ids[0], line)) == "Success"
    assert _status_of(cloud, ids[0]) == 200
    inject("unhealthy", instance=ids[0])
    assert _status_of(cloud, ids[0]) == 503
    cloud.inject(Asked("unhealthy", ids[0], clear=True))
    assert _status_of(cloud, ids[0]) == 200


def _status_of(cloud: Cloud, instance_id: str) -> int:
    try:
        with urllib.request.urlopen(f"http://{cloud.fleet.address_of(instance_id)}:8080/", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked("no-such-fault"), "there is no fault 'no-such-fault'; there are: instance-dies, "),
        (Asked("silent-agent"), "silent-agent needs --instance"),
        (Asked("silent-agent", "i-nobody"), "there is no instance 'i-nobody'"),
        (Asked("throttling", "i-nobody"), "throttling takes no --instance"),
        (Asked("s3-conflict", operation="ssm"), "s3-conflict takes no --operation"),
        (Asked("slow-pull"), "slow-pull needs --seconds"),
        (Asked("slow-pull", seconds=31), "slow-pull takes up to 30 seconds"),
    ],
)
def test_a_fault_that_cannot_be_had_as_asked_for_is_refused(cloud: Cloud, asked: Asked, said: str) -> None:
    with pytest.raises(UnknownFault, match="^" + said):
        cloud.inject(asked)


def test_what_cannot_be_taken_back_says_so(cloud: Cloud, ids: list[str]) -> None:
    with pytest.raises(ControlError, match="instance-dies cannot be taken back"):
        Desk(cloud).fault({"name": "instance-dies", "instance": ids[0], "clear": True})
    assert cloud.fleet.address_of(ids[0])


def test_every_fault_is_described_with_what_it_takes() -> None:
    told = described()
    assert [each.split()[0] for each in told] == list(FAULTS)
    assert told[0].endswith("--instance")
    assert all(len(each.split()) > 4 for each in told)
