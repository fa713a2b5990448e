"""SSM Run Command of the local cloud, seen through boto3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.runtime.process import ProcessRuntime
from localcloud.runtime.process_run import processes_of
from tests.cloud.client import client_of
from tests.waiting import eventually


@pytest.fixture
def ssm(cloud: Cloud) -> Any:
    return client_of(cloud, "ssm")


@pytest.fixture
def ids(cloud: Cloud) -> list[str]:
    return sorted(cloud.fleet.members)


def send(ssm: Any, ids: list[str], *lines: str, **wanted: Any) -> str:
    sent = ssm.send_command(
        **{
            "DocumentName": "AWS-RunShellScript",
            "InstanceIds": ids,
            "Parameters": {"commands": list(lines)},
            **wanted,
        }
    )
    command_id: str = sent["Command"]["CommandId"]
    return command_id


def ended(ssm: Any, command_id: str, count: int = 1) -> dict[str, Any]:
    """The invocations by instance, once all of them have ended."""

    def look() -> dict[str, Any] | None:
        found = ssm.list_command_invocations(CommandId=command_id, Details=True)["CommandInvocations"]
        done = [each for each in found if each["Status"] not in ("Pending", "InProgress", "Cancelling")]
        return {each["InstanceId"]: each for each in done} if len(done) == count else None

    invocations: dict[str, Any] = eventually(f"{count} invocations end", look)
    return invocations


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    code: str = caught.value.response["Error"]["Code"]
    return code


def test_script_runs_on_every_instance_of_the_group_and_its_output_comes_back(
    ssm: Any, ids: list[str], cloud: Cloud
) -> None:
    target = {"Key": "tag:aws:autoscaling:groupName", "Values": [cloud.options.group]}
    sent = ssm.send_command(
        DocumentName="AWS-RunShellScript",
        Targets=[target],
        Parameters={"commands": ["echo on $AWS_SSM_INSTANCE_ID", "echo home ${HOME-unset}", "echo oops >&2"]},
    )
    done = ended(ssm, sent["Command"]["CommandId"], 2)
    assert sorted(done) == ids
    for instance_id, invocation in done.items():
        assert invocation["Status"] == invocation["StatusDetails"] == "Success"
        output = invocation["CommandPlugins"][0]["Output"]
        assert output == f"on {instance_id}\nhome unset\n\n----------ERROR-------\noops\n"


def test_exit_code_and_both_streams_are_told(ssm: Any, ids: list[str]) -> None:
    command_id = send(ssm, ids[:1], "echo out; echo err >&2; exit 7")
    assert ended(ssm, command_id)[ids[0]]["Status"] == "Failed"
    told = ssm.get_command_invocation(CommandId=command_id, InstanceId=ids[0])
    assert (told["ResponseCode"], told["StandardOutputContent"], told["StandardErrorContent"]) == (7, "out\n", "err\n")


def test_output_is_cut_at_the_limits_of_each_call_and_its_end_is_lost(ssm: Any, ids: list[str]) -> None:
    command_id = send(ssm, ids[:1], "head -c 30000 /dev/zero | tr '\\0' x; echo last")
    listed = ended(ssm, command_id)[ids[0]]["CommandPlugins"][0]["Output"]
    told = ssm.get_command_invocation(CommandId=command_id, InstanceId=ids[0])["StandardOutputContent"]
    assert len(listed) <= 2500
    assert len(told) == 24000
    assert "last" not in told


def test_command_is_not_seen_right_after_sending(ssm: Any, ids: list[str]) -> None:
    command_id = send(ssm, ids[:1], "true")
    assert ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"] == []
    assert refusal(ssm.get_command_invocation, CommandId=command_id, InstanceId=ids[0]) == "InvocationDoesNotExist"
    assert ended(ssm, command_id)


def processes_on(cloud: Cloud, instance_id: str) -> list[int]:
    """Ids of the processes that run on an instance."""
    assert isinstance(cloud.runtime, ProcessRuntime)
    return list(processes_of(cloud.runtime.root(instance_id).parent))


def test_cancel_kills_what_runs(ssm: Any, ids: list[str], cloud: Cloud) -> None:
    command_id = send(ssm, ids[:1], "echo started; sleep 600")

    def runs() -> bool:
        found = ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"]
        return bool(found and found[0]["Status"] == "InProgress")

    eventually("the command runs", runs)
    eventually("the script has started all it starts", lambda: len(processes_on(cloud, ids[0])) >= 2)
    ssm.cancel_command(CommandId=command_id)
    assert ended(ssm, command_id)[ids[0]]["StatusDetails"] == "Cancelled"
    eventually("nothing of it is left", lambda: not processes_on(cloud, ids[0]))


def test_time_out_kills_what_runs_and_says_so(ssm: Any, ids: list[str], cloud: Cloud) -> None:
    parameters = {"commands": ["echo started", "sleep 600"], "executionTimeout": ["5"]}
    command_id = send(ssm, ids[:1], Parameters=parameters)
    invocation = ended(ssm, command_id)[ids[0]]
    assert (invocation["Status"], invocation["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")
    assert invocation["CommandPlugins"][0]["Output"] == "started\n"
    eventually("nothing of it is left", lambda: not processes_on(cloud, ids[0]))


def test_after_the_first_error_the_rest_never_starts(ssm: Any, ids: list[str]) -> None:
    command_id = send(ssm, ids, "exit 1", MaxConcurrency="1", MaxErrors="0")
    assert sorted(each["StatusDetails"] for each in ended(ssm, command_id, 2).values()) == ["Failed", "Terminated"]
    command = ssm.list_commands(CommandId=command_id)["Commands"][0]
    assert (command["Status"], command["ErrorCount"], command["TargetCount"]) == ("Failed", 1, 2)


def test_invocations_come_in_pages(ssm: Any, ids: list[str]) -> None:
    command_id = send(ssm, ids, "true")
    ended(ssm, command_id, 2)
    first = ssm.list_command_invocations(CommandId=command_id, MaxResults=1)
    second = ssm.list_command_invocations(CommandId=command_id, MaxResults=1, NextToken=first["NextToken"])
    seen = [each["InstanceId"] for page in (first, second) for each in page["CommandInvocations"]]
    assert sorted(seen) == ids
    assert "NextToken" not in second


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"InstanceIds": ["i-00000000000000000"]}, "InvalidInstanceId"),
        ({"InstanceIds": ["i-1", "i-1"]}, "DuplicateInstanceId"),
        ({"InstanceIds": [f"i-{number:017x}" for number in range(51)]}, "ValidationException"),
        ({"DocumentName": "no-such-document"}, "InvalidDocument"),
        ({"Comment": "x" * 101}, "ValidationException"),
        ({"Parameters": {"commands": ["true"], "unknown": ["x"]}}, "InvalidParameters"),
        ({"Parameters": {}}, "InvalidParameters"),
    ],
)
def test_a_wrong_request_is_refused_as_aws_refuses_it(
    ssm: Any, ids: list[str], changed: dict[str, Any], code: str
) -> None:
    good = {"DocumentName": "AWS-RunShellScript", "InstanceIds": ids, "Parameters": {"commands": ["true"]}}
    assert refusal(ssm.send_command, **{**good, **changed}) == code


def test_document_parameters_arrive_as_variables_and_are_checked_against_their_pattern(
    ssm: Any, ids: list[str]
) -> None:
    content = {
        "schemaVersion": "2.2",
        "description": "says what it was given",
        "parameters": {
            "Word": {"type": "String", "allowedPattern": "^[a-z ;$()]+$", "interpolationType": "ENV_VAR"},
            "Pasted": {"type": "String", "default": "pasted"},
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "say",
                "inputs": {"runCommand": ["printf '%s\\n' \"$SSM_Word\" {{ Pasted }}"], "timeoutSeconds": "60"},
            }
        ],
    }
    ssm.create_document(Name="say", Content=json.dumps(content), DocumentType="Command", DocumentFormat="JSON")
    command_id = send(ssm, ids[:1], DocumentName="say", Parameters={"Word": ["$(id); a"]})
    assert ended(ssm, command_id)[ids[0]]["CommandPlugins"][0]["Output"] == "$(id); a\npasted\n"
    wrong = {"DocumentName": "say", "InstanceIds": ids[:1], "Parameters": {"Word": ["UPPER"]}}
    assert refusal(ssm.send_command, **wrong) == "InvalidParameters"


def test_five_commands_run_at_once_on_an_instance_and_the_sixth_waits(ssm: Any, ids: list[str]) -> None:
    commands = [send(ssm, ids[:1], "sleep 600") for _ in range(6)]

    def statuses() -> list[str]:
        found = ssm.list_command_invocations(InstanceId=ids[0])["CommandInvocations"]
        return sorted(each["Status"] for each in found if each["CommandId"] in commands)

    eventually("five run and one waits", lambda: statuses() == ["InProgress"] * 5 + ["Pending"])
    for each in commands:
        ssm.cancel_command(CommandId=each)
    eventually("all are cancelled", lambda: statuses() == ["Cancelled"] * 6)


def test_managed_instances_are_online_and_filtered(ssm: Any, ids: list[str]) -> None:
    everyone = ssm.describe_instance_information()["InstanceInformationList"]
    assert sorted(each["InstanceId"] for each in everyone) == ids
    assert {each["PingStatus"] for each in everyone} == {"Online"}
    one = ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": ids[:1]}])
    assert [each["InstanceId"] for each in one["InstanceInformationList"]] == ids[:1]
