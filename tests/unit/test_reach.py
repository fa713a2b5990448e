"""Session policies: narrow enough for a role that may everything, wide enough for the role of the template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from deployer.aws.reach import (
    Reach,
    Where,
    another_role,
    asking,
    images,
    looking,
    publishing,
    reading,
    rolling,
    session_policy,
    tidying,
)
from deployer.core.errors import BadInput
from deployer.infra.roles import identity_roles

ACCOUNT, REGION = "123456789012", "ap-northeast-2"
WHERE = Where("aws", REGION)
PLACE = ("orange", "orange-releases", "awesomeorange-deploy", ["orange-web"])
ALL = (
    rolling(*PLACE),
    publishing("orange", "orange-releases"),
    images(ACCOUNT, ["orange"]),
)
"""What a delivery reaches, each part in a session of its own."""


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def key(name: str) -> str:
    return f"arn:aws:s3:::orange-releases/{name}"


def allows(reach: Reach, action: str, resource: str, **keys: str) -> bool:
    """Whether a role that may everything may still do this in such a session; condition `keys` in lower case."""
    context = EvalContext("", "AssumedRole", ACCOUNT, action, resource, REGION, service_context=keys)
    everything = parse_policy_document({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    limit = parse_policy_document(session_policy(reach, WHERE))
    return bool(evaluate(context, [everything], [limit]).decision == "Allow")


def in_group(name: str) -> dict[str, str]:
    return {"ssm:resourcetag/aws:autoscaling:groupname": name}


def sends(reach: Reach, group: str = "orange-web", document: str = "awesomeorange-deploy") -> bool:
    return allows(reach, "ssm:SendCommand", arn("ssm", f"document/{document}")) and allows(
        reach, "ssm:SendCommand", arn("ec2", "instance/i-1"), **in_group(group)
    )


def deployer() -> Iterator[Mapping[str, Any]]:
    """The statements of the deployer role, with all that it can have."""
    parameters = {
        "App": "orange",
        "Bucket": "orange-releases",
        "AutoScalingGroup": "orange-web",
        "TargetGroup": "orange",
        "Repository": "acme/orange",
        "RepositoryId": "222",
        "RepositoryOwnerId": "111",
        "EcrRepository": "orange",
        "AlarmPrefix": "orange-",
    }
    yield from identity_roles(parameters, ACCOUNT, REGION)["Deployer"].policies["deploy"]["Statement"]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def test_whatever_the_templates_role_may_do_one_of_the_sessions_may_do() -> None:
    satisfied = {**in_group("orange-web"), "s3:prefix": "orange/releases/v1/"}
    asked = [
        (action, resource.replace("*", "x"))
        for statement in deployer()
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]
    assert len(asked) > 30
    refused = [each for each in asked if not any(allows(reach, *each, **satisfied) for reach in ALL)]
    assert not refused


def test_the_sessions_may_do_nothing_the_templates_role_has_no_action_for() -> None:
    granted = {action for statement in deployer() for action in listed(statement["Action"])}
    limits = [each for reach in ALL for each in json.loads(session_policy(reach, WHERE))["Statement"]]
    assert {action for each in limits for action in each["Action"]} - granted == {
        *("kms:Decrypt", "kms:GenerateDataKey"),  # for buckets with a key of their own, which infra/ does not make
    }


def test_a_rollout_touches_one_group_of_one_application() -> None:
    reach = rolling(*PLACE)
    assert sends(reach)
    assert not sends(reach, group="lemon-web")
    assert not sends(reach, document="AWS-RunShellScript")
    assert allows(reach, "s3:PutObject", key("orange/groups/orange-web/lease.json"))
    assert allows(reach, "s3:GetObject", key("orange/releases/v1/release.json"))
    for action, resource in (
        ("s3:PutObject", key("orange/releases/v1/release.json")),
        ("s3:PutObject", key("orange/groups/lemon-web/lease.json")),
        ("s3:PutObject", key("lemon/groups/orange-web/lease.json")),
        ("s3:GetObject", key("lemon/releases/v1/release.json")),
        ("s3:DeleteObject", key("orange/groups/orange-web/lease.json")),
        ("ssm:GetParameter", arn("ssm", "parameter/orange/env")),
        (
            "autoscaling:UpdateAutoScalingGroup",
            arn("autoscaling", "autoScalingGroup:1:autoScalingGroupName/orange-web"),
        ),
        ("autoscaling:SuspendProcesses", arn("autoscaling", "autoScalingGroup:1:autoScalingGroupName/lemon-web")),
        ("iam:CreateUser", "*"),
        ("kms:Decrypt", arn("kms", "key/1")),
    ):
        assert not allows(reach, action, resource), action


def test_another_region_is_out_of_reach() -> None:
    elsewhere = arn("ssm", "document/awesomeorange-deploy").replace(REGION, "eu-central-1")
    assert not allows(rolling(*PLACE), "ssm:SendCommand", elsewhere)


@pytest.mark.parametrize("reach", [looking(*PLACE), asking(*PLACE)], ids=["plan", "status"])
def test_what_only_looks_could_not_change_anything(reach: Reach) -> None:
    assert allows(reach, "autoscaling:DescribeAutoScalingGroups", "*")
    assert allows(reach, "s3:GetObject", key("orange/groups/orange-web/desired.json"))
    state = key("orange/groups/orange-web/desired.json")
    for action, resource in (
        ("s3:PutObject", state),
        ("ssm:CancelCommand", "*"),
        ("elasticloadbalancing:DeregisterTargets", arn("elasticloadbalancing", "targetgroup/orange/1")),
    ):
        assert not allows(reach, action, resource), action


def test_status_asks_instances_and_plan_does_not() -> None:
    assert sends(asking(*PLACE))
    assert not sends(looking(*PLACE))


def test_publishing_reaches_releases_and_nothing_else() -> None:
    reach = publishing("orange", "orange-releases")
    assert allows(reach, "s3:PutObject", key("orange/releases/v1/release.json"))
    assert not allows(reach, "s3:PutObject", key("orange/groups/orange-web/desired.json"))
    assert not sends(reach)


def test_tidying_removes_releases_and_reads_the_state_of_groups() -> None:
    reach = tidying("orange", "orange-releases")
    assert allows(reach, "s3:DeleteObject", key("orange/releases/v1/release.json"))
    assert allows(reach, "s3:GetObject", key("orange/groups/orange-web/desired.json"))
    assert not allows(reach, "s3:DeleteObject", key("orange/groups/orange-web/desired.json"))
    assert not allows(reach, "s3:DeleteObject", key("lemon/releases/v1/release.json"))
    assert not allows(reach, "s3:PutObject", key("orange/releases/v1/release.json"))


def test_listing_releases_reads_and_nothing_else() -> None:
    reach = reading("orange", "orange-releases")
    assert allows(reach, "s3:GetObject", key("orange/releases/v1/release.json"))
    assert not allows(reach, "s3:PutObject", key("orange/releases/v9/release.json"))
    assert not allows(reach, "s3:DeleteObject", key("orange/releases/v1/release.json"))


def test_an_encrypted_buckets_key_is_used_through_s3_alone() -> None:
    used = {"kms:viaservice": f"s3.{REGION}.amazonaws.com"}
    assert allows(rolling(*PLACE), "kms:GenerateDataKey", arn("kms", "key/1"), **used)


def test_a_build_pushes_to_its_own_repository_and_reads_the_others() -> None:
    reach = images("210987654321", ["team/orange", "caches/*"])
    theirs = f"arn:aws:ecr:{REGION}:210987654321:repository"
    assert allows(reach, "ecr:PutImage", f"{theirs}/team/orange")
    assert allows(reach, "ecr:PutImage", f"{theirs}/caches/orange")
    assert allows(reach, "ecr:BatchGetImage", f"{theirs}/team/base")
    assert not allows(reach, "ecr:PutImage", f"{theirs}/team/base")
    assert not allows(images("210987654321"), "ecr:PutImage", f"{theirs}/team/orange")


def test_the_first_role_of_a_chain_does_nothing_but_hand_on() -> None:
    second = f"arn:aws:iam::{ACCOUNT}:role/second"
    assert allows(another_role(second), "sts:AssumeRole", second)
    assert not allows(another_role(second), "sts:AssumeRole", second + "s")
    assert not allows(another_role(second), "s3:GetObject", key("orange/releases/v1/release.json"))


def test_a_document_of_another_account_is_named_by_its_arn() -> None:
    shared = f"arn:aws:ssm:{REGION}:210987654321:document/deploy"
    assert allows(rolling("orange", "orange-releases", shared, ["orange-web"]), "ssm:SendCommand", shared)


def test_usual_names_leave_room_for_how_sts_packs_a_policy() -> None:
    assert len(session_policy(rolling(*PLACE), WHERE)) < 1400
    assert len(session_policy(rolling(*PLACE[:3], ["orange-web-1", "orange-web-2"]), WHERE)) < 1600


def test_four_groups_fit_and_the_longest_names_of_the_template_do() -> None:
    assert session_policy(rolling(*PLACE[:3], [f"orange-web-{each}" for each in range(4)]), WHERE)
    assert session_policy(rolling("a" * 40, "b" * 63, "d" * 40, ["g" * 53]), Where("aws-us-gov", "us-gov-east-1"))


def test_a_policy_sts_would_not_take_is_bad_input_that_names_the_way_out() -> None:
    with pytest.raises(BadInput, match="STS takes 2048") as refused:
        session_policy(rolling(*PLACE[:3], [f"orange-web-{each}" for each in range(9)]), WHERE)
    assert "narrow-session: false" in refused.value.fix
