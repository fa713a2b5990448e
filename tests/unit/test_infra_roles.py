"""What the roles of infra/ may do, and what they may never do."""

from __future__ import annotations

import json

import pytest

from deployer import instance_files
from deployer.core.errors import BadInput
from deployer.infra.roles import storage_policy
from deployer.infra.template import Place, Template
from tests.unit.identity import (
    ACCOUNT,
    FULL,
    ISSUER,
    REGION,
    actions,
    condition,
    decrypted,
    listed,
    roles,
    statement,
    statements,
)


@pytest.mark.parametrize("name", ["Deployer", "Instance", "Monitoring", "Status", "Janitor"])
def test_every_role_can_be_bounded(name: str) -> None:
    assert roles(JanitorEnvironment="housekeeping")[name].boundary == ""
    assert roles(**FULL)[name].boundary == FULL["PermissionsBoundaryArn"]


def test_the_deployer_has_no_way_to_secrets_to_root_or_to_the_fleet_itself() -> None:
    granted = actions(roles(**FULL)["Deployer"])

    assert not {action for action in granted if "*" in action or action.startswith(("ec2:", "iam:", "kms:", "sts:"))}
    assert not granted & {"ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "s3:DeleteObject"}


@pytest.mark.parametrize("names", [["web-a"], ["web-a", "web-b"], ["a", "b", "c"], ["a", "b", "c", "d"]])
def test_the_deployer_drains_every_target_group_and_no_other(names: list[str]) -> None:
    prefix = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup"
    deployer = roles(TargetGroup=",".join(names))["Deployer"]

    draining = statement(deployer, "elasticloadbalancing:DeregisterTargets")
    assert draining["Resource"] == [f"{prefix}/{name}/*" for name in names]


def test_roles_of_a_group_with_a_long_name_are_named_after_something_shorter() -> None:
    group = "awseb-e-abcdefghij-stack-AWSEBAutoScalingGroup-1A2B3C4D5E6F7"
    named = roles(AutoScalingGroup=group, RoleNamePrefix="orange")

    assert {each.name.partition("-")[0] for each in named.values()} == {"orange"}
    assert group in str(named["Deployer"].policies)
    with pytest.raises(BadInput, match="64 characters") as refused:
        roles(AutoScalingGroup=group)
    assert "RoleNamePrefix" in refused.value.fix


def test_an_owner_that_a_company_manages_has_an_underscore() -> None:
    trusted = condition(roles(Repository="kim_acme/orange", Environment="production")["Deployer"])["StringEquals"]

    assert trusted[f"{ISSUER}:sub"][0] == "repo:kim_acme/orange:environment:production"


def test_the_document_may_be_one_that_another_account_shares() -> None:
    arn = f"arn:aws:ssm:{REGION}:999999999999:document/awesomeorange-deploy"
    named = roles(Document=arn)

    assert statement(named["Deployer"], "ssm:DescribeDocument")["Resource"] == arn
    assert statement(named["Status"], "ssm:DescribeDocument")["Resource"] == arn


def test_the_deployer_sends_one_document_to_one_group() -> None:
    sending = [each for each in statements(roles(**FULL)["Deployer"]) if "ssm:SendCommand" in listed(each["Action"])]

    assert [each["Resource"] for each in sending] == [
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/awesomeorange-deploy",
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*",
    ]
    assert sending[1]["Condition"] == {"StringEquals": {"ssm:resourceTag/aws:autoscaling:groupName": "orange-web"}}


def test_what_is_not_there_is_not_granted() -> None:
    services = {action.partition(":")[0] for role in roles().values() for action in actions(role)}

    assert not services & {"ecr", "kms", "cloudwatch"}
    assert "autoscaling:SuspendProcesses" not in actions(roles()["Deployer"])
    assert not {action for action in actions(roles()["Instance"]) if action.startswith("ssm:Get")}


def test_an_instance_reads_its_one_parameter() -> None:
    instance = roles(**FULL)["Instance"]
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/orange/env"

    assert statement(instance, "ssm:GetParameter")["Resource"] == arn
    assert decrypted(instance) == [arn, arn.replace("env", "registry")]
    assert "ssm:GetParametersByPath" not in actions(instance)


def test_an_instance_reads_the_parameters_below_its_path() -> None:
    instance = roles(**{**FULL, "ParameterName": "/orange/production/"})["Instance"]
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/orange/production"

    assert statement(instance, "ssm:GetParametersByPath")["Resource"] == [arn, f"{arn}/*"]
    assert "ssm:GetParameter" not in actions(instance)


@pytest.mark.parametrize(
    ("name", "resource"), [("/orange/hub", "/orange/hub"), ("/orange/logins/", "/orange/logins/*")]
)
def test_an_instance_reads_the_logins_of_its_registries(name: str, resource: str) -> None:
    instance = roles(**{**FULL, "RegistryParameterName": name, "ParameterName": ""})["Instance"]
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{resource}"

    assert statement(instance, "ssm:GetParameters")["Resource"] == arn
    assert decrypted(instance) == [arn]


def test_an_instance_writes_nothing_and_lists_only_what_it_reads() -> None:
    instance = roles(**FULL)["Instance"]

    assert {each for each in actions(instance) if each.startswith("s3:")} == {"s3:GetObject", "s3:ListBucket"}
    assert statement(instance, "s3:ListBucket")["Condition"] == {
        "StringLike": {"s3:prefix": ["orange/releases/*", "orange/groups/orange-web/desired.json"]}
    }


def test_composite_alarms_take_every_alarm() -> None:
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:orange-*"

    assert statement(roles(AlarmPrefix="orange-")["Deployer"], "cloudwatch:DescribeAlarms")["Resource"] == arn
    assert statement(roles(AlarmPrefix="*")["Deployer"], "cloudwatch:DescribeAlarms")["Resource"] == "*"


def test_looking_sends_nothing_and_writes_nothing() -> None:
    changing = ("Put", "Send", "Cancel", "Suspend", "Resume", "Register", "Deregister", "Delete")
    for name in ("Status", "Monitoring"):
        assert not [each for each in actions(roles(**FULL)[name]) if each.partition(":")[2].startswith(changing)]


def test_all_policies_of_a_role_fit_what_iam_takes_inline() -> None:
    names = {"AutoScalingGroup": "g" * 255, "RoleNamePrefix": "r", "TargetGroup": ",".join("abcd" * 8 for _ in "1234")}
    long = {**FULL, **names, "App": "a" * 63, "Bucket": "b" * 63}
    for role in roles(**long).values():
        assert len("".join(json.dumps(each, separators=(",", ":")) for each in role.policies.values())) < 10_240


def test_the_janitor_is_a_job_of_its_own_environment_that_removes_releases_alone() -> None:
    janitor = roles(JanitorEnvironment="housekeeping", Environment="production")["Janitor"]
    trusted = condition(janitor)["StringEquals"]

    assert janitor.name == "orange-web-janitor"
    assert trusted[f"{ISSUER}:sub"] == [
        "repo:acme/orange:environment:housekeeping",
        "repo:acme@111/orange@222:environment:housekeeping",
    ]
    assert trusted[f"{ISSUER}:ref"] == "refs/heads/main"
    assert actions(janitor) == {"s3:ListBucket", "s3:GetObject", "s3:DeleteObject"}
    assert statement(janitor, "s3:DeleteObject")["Resource"] == "arn:aws:s3:::orange-releases/orange/releases/*"
    assert statement(janitor, "s3:GetObject")["Resource"] == "arn:aws:s3:::orange-releases/orange/groups/*"


@pytest.mark.parametrize("applications", [["orange"], ["orange", "lemon"]])
def test_the_bucket_refuses_deletes_but_to_the_janitor_of_each_application(applications: list[str]) -> None:
    janitors = [f"arn:aws:iam::{ACCOUNT}:role/{each}-janitor" for each in applications]
    alone = storage_policy({"Bucket": "orange-releases"}, ACCOUNT, REGION)
    tidied = storage_policy({"Bucket": "orange-releases", "JanitorRoleArn": ",".join(janitors)}, ACCOUNT, REGION)

    assert {each["Effect"] for each in alone["Statement"]} == {"Deny"}
    assert "Condition" not in alone["Statement"][-1]
    assert tidied["Statement"][-1]["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": janitors}}


@pytest.mark.parametrize("arns", ["*", "arn:aws:iam::123456789012:role/*", "arn:aws:iam::123456789012:role/a,"])
def test_nobody_else_deletes_by_a_pattern(arns: str) -> None:
    with pytest.raises(BadInput, match="JanitorRoleArn"):
        storage_policy({"Bucket": "orange-releases", "JanitorRoleArn": arns}, ACCOUNT, REGION)


def test_the_document_is_what_render_prints() -> None:
    template = Template("storage.yml", {"Bucket": "orange-releases"}, Place(ACCOUNT, REGION))

    assert template.properties("DeployDocument")["Content"] == instance_files.ssm_document()


def test_a_role_may_push_to_every_repository_below_a_name() -> None:
    for name in ("Deployer", "Instance"):
        granted = str(roles(**{**FULL, "EcrRepository": "orange/*"})[name])
        assert ":repository/orange/*'" in granted
        assert ":repository/*'" not in granted
