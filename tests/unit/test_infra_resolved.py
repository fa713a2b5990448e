"""The roles as somebody else's reading of CloudFormation makes them: moto's."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deployer.infra.roles import Role, identity_roles
from deployer.infra.template import DIRECTORY
from tests.unit.identity import ACCOUNT, FULL, LEAST, REGION

# moto knows no identity providers, so there is one already
PROVIDER = {"OidcProviderArn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"}
CHOICES = {
    "next to nothing": LEAST,
    "everything": FULL,
    "a path, any branch": {**FULL, "ParameterName": "/orange/production/", "Ref": "", "AlarmPrefix": "*"},
    "a group of somebody's own": {
        **FULL,
        "RoleNamePrefix": "orange",
        "TargetGroup": "web-a,web-b,web-c",
        "Document": f"arn:aws:ssm:{REGION}:999999999999:document/ours",
    },
}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "unchecked")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.session.Session(region_name=REGION)


@pytest.mark.parametrize("parameters", CHOICES.values(), ids=CHOICES)
def test_both_readings_come_to_the_same_roles(account: Any, parameters: Mapping[str, str]) -> None:
    given = {**parameters, **PROVIDER}
    account.client("cloudformation").create_stack(
        StackName="identity",
        TemplateBody=(DIRECTORY / "identity.yml").read_text(),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )

    for role in identity_roles(given, ACCOUNT, REGION).values():
        assert made(account.client("iam"), role) == role


def made(iam: Any, role: Role) -> Role:
    """The role of that name in the account."""
    found = iam.get_role(RoleName=role.name)["Role"]
    names = iam.list_role_policies(RoleName=role.name)["PolicyNames"]
    return Role(
        name=found["RoleName"],
        trust=found["AssumeRolePolicyDocument"],
        policies={name: policy(iam.get_role_policy(RoleName=role.name, PolicyName=name)) for name in names},
        max_session_seconds=found["MaxSessionDuration"],
        boundary=found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
    )


def policy(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document; where a list holds AWS::NoValue, moto leaves None in it and answers with Python's own notation."""
    document = answer["PolicyDocument"]
    read: Mapping[str, Any] = ast.literal_eval(document) if isinstance(document, str) else document
    return {**read, "Statement": [_without_none(each) for each in _without_none(read["Statement"])]}


def _without_none(found: Any) -> Any:
    """A list, or a statement whose resources are one, without what is None."""
    if isinstance(found, list):
        return [each for each in found if each is not None]
    return {key: _without_none(value) if isinstance(value, list) else value for key, value in found.items()}
