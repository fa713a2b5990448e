"""What the checks of a group, its launch template and its document make of AWS's answers."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from deployer import instance_files
from deployer.core.errors import BadInput
from deployer.doctor import document, group
from deployer.doctor.finding import Finding, State
from tests.unit.examined import GROUP, refused, situation
from tests.unit.examined import group as described

HOOK = {
    "LifecycleHookName": "launch",
    "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
    "DefaultResult": "ABANDON",
    "HeartbeatTimeout": 600,
}


def looked(answer: Any, look: Any = group.there, **more: Any) -> Finding:
    found: Finding = look(situation(describe_auto_scaling_groups=answer, **more), GROUP)
    return found


def of(*states: str) -> list[dict[str, str]]:
    return [{"InstanceId": f"i-{n}", "LifecycleState": each} for n, each in enumerate(states)]


def test_a_group_with_instances_in_service() -> None:
    assert looked(described()) == Finding("", State.OK, "2 of 2 instances in service")


@pytest.mark.parametrize("instances", [of(), of("Pending", "Standby", "Terminating")])
def test_a_group_with_nobody_to_deploy_to_is_a_problem(instances: list[dict[str, str]]) -> None:
    found = looked(described(Instances=instances, DesiredCapacity=0))
    assert found.state is State.PROBLEM
    assert f"--auto-scaling-group-name {GROUP} --desired-capacity 2" in found.fix


def test_an_only_instance_is_a_warning() -> None:
    found = looked(described(Instances=of("InService"), DesiredCapacity=1))
    assert (found.state, "max-unavailable: 1" in found.fix) == (State.WARNING, True)


def test_a_frozen_group_says_why() -> None:
    found = looked(described(Tags=[{"Key": "deploy-freeze", "Value": "black friday"}]))
    assert (found.state, found.said) == (State.PROBLEM, "is frozen, its tag deploy-freeze says: black friday")


def test_a_group_that_is_not_there() -> None:
    with pytest.raises(BadInput, match="there is no Auto Scaling group orange-web"):
        looked({"AutoScalingGroups": []})


def template(user_data: str = "", **data: Any) -> dict[str, Any]:
    content = {
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "IamInstanceProfile": {"Name": "orange-web-instance"},
        "UserData": base64.b64encode(user_data.encode()).decode(),
        **data,
    }
    version = {"LaunchTemplateName": GROUP, "VersionNumber": 3, "LaunchTemplateData": content}
    return {"LaunchTemplateVersions": [version]}


def launched(answer: dict[str, Any], **changes: Any) -> Finding:
    return looked(described(**changes), group.launch_template, describe_launch_template_versions=answer)


def test_a_launch_template_as_the_fleet_has_it() -> None:
    assert launched(template()).said == "orange-web version 3: IMDSv2, one hop, instance profile orange-web-instance"


@pytest.mark.parametrize(
    ("data", "state", "said"),
    [
        ({"IamInstanceProfile": {}}, State.PROBLEM, "no instance profile"),
        ({"MetadataOptions": {}}, State.PROBLEM, "IMDSv2"),
        ({"MetadataOptions": {"HttpTokens": "optional", "HttpPutResponseHopLimit": 1}}, State.PROBLEM, "IMDSv2"),
        ({"MetadataOptions": {"HttpTokens": "required"}}, State.WARNING, "as many hops as the image says"),
        ({"MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}}, State.WARNING, "over 2 hops"),
    ],
)
def test_what_a_launch_template_lacks(data: dict[str, Any], state: State, said: str) -> None:
    found = launched(template(**data))
    assert (found.state, said in found.said) == (state, True), found
    assert "create-launch-template-version --launch-template-name orange-web --source-version 3" in found.fix


MIXED = {"LaunchTemplate": {"LaunchTemplateSpecification": {"LaunchTemplateId": "lt-2", "Version": "7"}}}
FIXED = {"LaunchTemplateId": "lt-1", "LaunchTemplateName": GROUP, "Version": "3"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "follows $Latest"),
        (
            {"LaunchTemplate": FIXED},
            f"update-auto-scaling-group --auto-scaling-group-name {GROUP}"
            f" --launch-template LaunchTemplateName={GROUP},Version=$version",
        ),
        ({"LaunchTemplate": None, "MixedInstancesPolicy": MIXED}, "mixed instances policy"),
    ],
    ids=["latest", "a version", "mixed"],
)
def test_a_new_version_is_also_given_to_the_group(changes: dict[str, Any], said: str) -> None:
    """A launch template given to a group takes its mixed instances policy away."""
    fix = launched(template(MetadataOptions={}), **changes).fix
    assert fix.startswith("update the stack of infra/fleet.yml, or ")
    assert said in fix
    assert ("--launch-template Launch" in fix) == (said.startswith("update-auto"))
    assert "instances that are there keep" in fix


def test_the_version_asked_for_is_the_one_the_group_uses() -> None:
    answer = described(LaunchTemplate=None, MixedInstancesPolicy=MIXED)
    s = situation(describe_auto_scaling_groups=answer, describe_launch_template_versions=template())
    group.launch_template(s, GROUP)
    assert s.client("ec2").asked == [
        ("describe_launch_template_versions", {"LaunchTemplateId": "lt-2", "Versions": ["7"]})
    ]


def test_a_group_without_a_launch_template() -> None:
    with pytest.raises(BadInput, match="no launch template"):
        launched(template(), LaunchTemplate=None)


def hooked(*hooks: dict[str, Any]) -> Finding:
    return looked(described(), group.launch_hook, describe_lifecycle_hooks={"LifecycleHooks": list(hooks)})


def test_a_launch_hook() -> None:
    assert hooked(HOOK) == Finding("", State.OK, "launch, 600 s, else abandoned")


@pytest.mark.parametrize(
    "hooks", [(), ({**HOOK, "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING"},)], ids=["none", "other"]
)
def test_no_launch_hook_is_a_warning(hooks: tuple[dict[str, Any], ...]) -> None:
    found = hooked(*hooks)
    assert (found.state, f"--auto-scaling-group-name {GROUP}" in found.fix) == (State.WARNING, True)
    user_data, _, hook = found.fix.partition("\n")
    assert "--lifecycle-hook launch" in user_data
    assert "put-lifecycle-hook" in hook


def test_a_hook_that_lets_everybody_in_is_a_warning() -> None:
    assert hooked({**HOOK, "DefaultResult": "CONTINUE"}).state is State.WARNING


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (instance_files.user_data("orange", "orange-releases", GROUP, "launch"), State.OK),
        (instance_files.user_data("orange", "orange-releases", GROUP, ""), State.WARNING),
        (instance_files.user_data("orange", "orange-releases", "another", "launch"), State.WARNING),
        ("#!/bin/sh\n", State.WARNING),
        ("", State.PROBLEM),
    ],
    ids=["ours", "without the hook", "of another group", "somebody's own", "none"],
)
def test_user_data(text: str, state: State) -> None:
    found = looked(
        described(),
        group.user_data,
        describe_launch_template_versions=template(text),
        describe_lifecycle_hooks={"LifecycleHooks": [HOOK]},
    )
    assert found.state is state, found
    assert state is State.OK or f"--auto-scaling-group {GROUP} --lifecycle-hook launch" in found.fix


OURS = instance_files.ssm_document()


def documented(sha256: str, **more: Any) -> Finding:
    answer = {"Document": {"Hash": sha256, "HashType": "Sha256", "Parameters": [{"Name": "App"}]}}
    return document.content(situation(describe_document=answer, **more))


def test_a_document_with_the_hash_of_ours_need_not_be_read() -> None:
    assert documented(hashlib.sha256(OURS.encode()).hexdigest()).state is State.OK


def test_the_same_document_in_another_layout_is_ours() -> None:
    assert documented("0" * 64, get_document={"Content": json.dumps(json.loads(OURS))}).state is State.OK


@pytest.mark.parametrize("content", [OURS.replace("set -euo", "set -eu"), "not JSON"])
def test_another_document_is_a_problem_with_the_way_to_update_it(content: str) -> None:
    found = documented("0" * 64, get_document={"Content": content})
    assert (found.state, "aws ssm update-document --name awesomeorange-deploy" in found.fix) == (State.PROBLEM, True)


def test_a_document_that_may_not_be_read_is_not_judged() -> None:
    found = documented("0" * 64)
    assert (found.state, "ssm:GetDocument" in found.said) == (State.NOT_CHECKED, True)


def test_a_document_that_is_not_there() -> None:
    with pytest.raises(BadInput, match="there is no SSM document awesomeorange-deploy"):
        document.there(situation(describe_document=refused("InvalidDocument")))
