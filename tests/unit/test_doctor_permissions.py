"""What IAM is asked, and what is made of its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployer.aws.auto_scaling import Described
from deployer.aws.simulation import Question
from deployer.core.errors import BadInput, Denied
from deployer.doctor import permissions
from deployer.doctor.finding import State
from deployer.doctor.situation import Situation
from tests.unit.examined import ACCOUNT, ARN, GROUP, REGION, ROLE, Session, group, situation


def answering(
    *denied: str,
    role: str = ROLE,
    resources: tuple[str, ...] = (),
    target_groups: list[str] | None = None,
    **inputs: Any,
) -> Situation:
    """IAM allows all but these actions, and all but what is done to `resources` (parts of their ARNs)."""

    def simulate(ActionNames: list[str], ResourceArns: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803 (AWS's own)
        [name], [arn] = ActionNames, ResourceArns
        said = "implicitDeny" if name in denied or any(each in arn for each in resources) else "allowed"
        return {"EvaluationResults": [{"EvalActionName": name, "EvalDecision": said}]}

    s = situation(
        {"role_to_assume": role, **inputs},
        describe_auto_scaling_groups=group(TargetGroupARNs=target_groups or [ARN]),
        simulate_principal_policy=simulate,
    )
    s.group(GROUP)
    return s


def test_a_role_that_may_all_gets_a_line_for_each_statement() -> None:
    found = {each.name: each for each in permissions.of_deployer(answering(), GROUP)}
    assert {each.state for each in found.values()} == {State.OK}
    assert found["CreateReleases"].said == "s3:PutObject"
    assert "DrainAndRegister" in found
    assert "LogInToEcr" not in found


def test_every_target_group_of_the_group_is_asked_about() -> None:
    """A rollout drains them all: a role that lacks one would fail with an instance out of the other."""
    arns = [ARN, ARN.replace(f"/{GROUP}/", "/orange-internal/")]
    s = answering(resources=("targetgroup/orange-internal/",), target_groups=arns)
    found = {each.name: each for each in permissions.of_deployer(s, GROUP)}
    assert found["DrainAndRegister"].state is State.PROBLEM
    assert "targetgroup/orange-internal/*" in found["DrainAndRegister"].fix
    assert "targetgroup/orange-web/*" in found["DrainAndRegister"].fix


@pytest.mark.parametrize(
    ("inputs", "target_groups"),
    [({}, [ARN.replace(GROUP, each) for each in "abcde"]), ({"document": "ours:1"}, [ARN])],
    ids=["more target groups than the template takes", "a document it does not know"],
)
def test_what_the_template_has_no_role_for_is_not_judged(inputs: dict[str, Any], target_groups: list[str]) -> None:
    [found] = permissions.of_deployer(answering(target_groups=target_groups, **inputs), GROUP)
    assert (found.state, "infra/identity.yml" in found.said) == (State.NOT_CHECKED, True)


def test_a_group_with_a_long_name_and_a_shared_document_are_asked_about() -> None:
    long = "awseb-e-abcdefghij-stack-AWSEBAutoScalingGroup-1A2B3C4D5E6F7"
    s = answering(document=f"arn:aws:ssm:{REGION}:999999999999:document/ours")
    s.group(long)
    assert {each.state for each in permissions.of_deployer(s, long)} == {State.OK}


def test_a_denied_action_is_shown_with_the_statement_of_the_template() -> None:
    found = {each.name: each for each in permissions.of_deployer(answering("s3:PutObjectTagging"), GROUP)}
    [wrong] = [each for each in found.values() if each.state is State.PROBLEM]
    assert wrong.name == "TagReleases"
    assert wrong.said == f"{ROLE} may not s3:PutObjectTagging"
    statement = json.loads(wrong.fix.split(":\n", 1)[1])
    assert statement["Resource"] == "arn:aws:s3:::orange-releases/orange/releases/*"


def test_a_no_for_want_of_what_we_did_not_say_is_no_no() -> None:
    result = {"EvalActionName": "x", "EvalDecision": "implicitDeny", "MissingContextValues": ["ssm:resourceTag/a"]}
    s = situation({"role_to_assume": ROLE}, simulate_principal_policy={"EvaluationResults": [result]})
    s.__dict__["_groups"][GROUP] = Described(GROUP, (), (), ())
    assert {each.state for each in permissions.of_deployer(s, GROUP)} == {State.NOT_CHECKED}


def test_an_ecr_image_of_the_region_needs_more() -> None:
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/orange"
    found = [each.name for each in permissions.of_deployer(answering(image=image), GROUP)]
    assert {"LogInToEcr", "PushAndReadImages"} <= set(found)


def test_who_may_not_ask_iam_is_denied_by_the_name_of_the_permission() -> None:
    s = situation({"role_to_assume": ROLE}, describe_auto_scaling_groups=group())
    s.group(GROUP)
    with pytest.raises(Denied) as denied:
        list(permissions.of_deployer(s, GROUP))
    assert denied.value.action == "iam:SimulatePrincipalPolicy"


@pytest.mark.parametrize(
    ("caller", "asked_about"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/operator", f"arn:aws:iam::{ACCOUNT}:user/operator"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/me", f"arn:aws:iam::{ACCOUNT}:role/admin"),
    ],
)
def test_without_a_role_we_ask_about_ourselves(caller: str, asked_about: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "caller_arn", caller)
    s = answering(role="")
    list(permissions.of_deployer(s, GROUP))
    assert {words["PolicySourceArn"] for _, words in s.client("iam").asked} == {asked_about}


def test_the_account_itself_needs_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "caller_arn", f"arn:aws:iam::{ACCOUNT}:root")
    assert [each.state for each in permissions.of_deployer(answering(role=""), GROUP)] == [State.NOT_CHECKED]


def test_a_question_fulfils_the_conditions_of_its_statement() -> None:
    statement = {
        "Action": ["s3:PutObject"],
        "Resource": ["arn:aws:s3:::b/a/releases/*", "arn:aws:ec2:r:1:instance/*"],
        "Condition": {
            "Null": {"s3:if-none-match": "false", "s3:if-match": "true"},
            "StringEquals": {"aws:RequestedRegion": "r"},
            "StringLike": {"s3:prefix": ["a/releases/*", "a/groups/*"]},
        },
    }
    context = {"s3:if-none-match": "*", "aws:RequestedRegion": "r", "s3:prefix": "a/releases/0"}
    assert list(permissions.questions(statement)) == [
        Question("s3:PutObject", "arn:aws:s3:::b/a/releases/0", context),
        Question("s3:PutObject", "arn:aws:ec2:r:1:instance/i-0", context),
    ]


def test_a_condition_nobody_can_fulfil_here_is_no_silent_yes() -> None:
    statement = {"Action": "a:B", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    with pytest.raises(BadInput, match="IpAddress"):
        list(permissions.questions(statement))
