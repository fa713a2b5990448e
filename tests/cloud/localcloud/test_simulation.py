"""IAM's simulator of the local cloud: what it says beforehand is what a request would be told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.aws.account import ACCOUNT
from localcloud.cloud import Cloud
from tests.cloud.client import client_of

ARN = f"arn:aws:iam::{ACCOUNT}"


def decided(cloud: Cloud, who: str, action: str, resource: str = "*", **context: str) -> str:
    entries = [
        {"ContextKeyName": key.replace("__", ":"), "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in context.items()
    ]
    answer = client_of(cloud, "iam").simulate_principal_policy(
        PolicySourceArn=who, ActionNames=[action], ResourceArns=[resource], ContextEntries=entries
    )
    [result] = answer["EvaluationResults"]
    assert (result["EvalActionName"], result["EvalResourceName"]) == (action, resource)
    return str(result["EvalDecision"])


def test_a_condition_is_met_by_the_context_that_is_given(cloud: Cloud) -> None:
    deployer, release = cloud.environment["ROLE_TO_ASSUME"], "arn:aws:s3:::orange-releases/orange/releases/v1/a"
    assert decided(cloud, deployer, "s3:PutObject", release) == "implicitDeny"
    assert decided(cloud, deployer, "s3:PutObject", release, **{"s3__if-none-match": "*"}) == "allowed"


def test_a_user_has_policies_of_its_own(cloud: Cloud) -> None:
    region = {"aws__RequestedRegion": cloud.options.region}
    assert decided(cloud, f"{ARN}:user/operator", "ssm:ListCommands", **region) == "allowed"
    assert decided(cloud, f"{ARN}:user/operator", "ssm:GetParameter") == "implicitDeny"


def test_a_boundary_and_an_explicit_deny_count(cloud: Cloud) -> None:
    iam = client_of(cloud, "iam")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    boundary = iam.create_policy(PolicyName="bound", PolicyDocument=document({**everything, "Action": "s3:*"}))
    arn: str = boundary["Policy"]["Arn"]
    iam.create_role(RoleName="bounded", AssumeRolePolicyDocument=document(), PermissionsBoundary=arn)
    denied = {**everything, "Effect": "Deny", "Action": "s3:DeleteObject"}
    iam.put_role_policy(RoleName="bounded", PolicyName="p", PolicyDocument=document(everything, denied))
    bounded = f"{ARN}:role/bounded"
    assert decided(cloud, bounded, "s3:GetObject") == "allowed"
    assert decided(cloud, bounded, "s3:DeleteObject") == "explicitDeny"
    assert decided(cloud, bounded, "ssm:ListCommands") == "implicitDeny"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_nobody_is_known_by_this_name(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        decided(cloud, f"{ARN}:role/nobody", "s3:GetObject")
