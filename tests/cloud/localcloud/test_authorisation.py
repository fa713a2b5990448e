"""Who is who in the account, and how long: keys, sessions and their end, roles assumed by roles."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.infra.roles import Role
from localcloud.aws.account import ACCOUNT
from localcloud.cloud import Cloud
from localcloud.roles import make_roles
from tests.cloud.client import client_of, client_with
from tests.cloud.conftest import StartCloud
from tests.waiting import eventually

ROLES = f"arn:aws:iam::{ACCOUNT}:role"


def session_of(cloud: Cloud, seconds: int = 900) -> dict[str, Any]:
    """The deployer's credentials, as a job gets them."""
    answer = client_of(cloud, "sts").assume_role_with_web_identity(
        RoleArn=cloud.environment["ROLE_TO_ASSUME"],
        RoleSessionName="run-1",
        WebIdentityToken=cloud.github.issuer.token("sts.amazonaws.com"),
        DurationSeconds=seconds,
    )
    credentials: dict[str, Any] = answer["Credentials"]
    return credentials


def refusal(call: Callable[[], Any]) -> tuple[int, str]:
    """Status and code."""
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_a_session_that_is_over_is_refused_by_every_service_in_its_own_words(start_cloud: StartCloud) -> None:
    cloud = start_cloud(session_seconds=1)
    session = session_of(cloud)
    s3, bucket = client_with(cloud, "s3", session), cloud.options.bucket

    def over() -> bool:
        try:
            s3.list_objects_v2(Bucket=bucket, Prefix="orange/releases/")
        except ClientError:
            return True
        return False

    eventually("the session is over", over, patience=10)
    assert refusal(lambda: s3.list_objects_v2(Bucket=bucket)) == (400, "ExpiredToken")
    ssm, group = client_with(cloud, "ssm", session), client_with(cloud, "autoscaling", session)
    assert refusal(ssm.list_commands) == (400, "ExpiredTokenException")
    assert refusal(group.describe_auto_scaling_groups) == (403, "ExpiredToken")
    assert refusal(client_with(cloud, "cloudwatch", session).describe_alarms) == (403, "ExpiredToken")
    assert refusal(client_with(cloud, "ec2", session).describe_instances) == (400, "RequestExpired")


def test_keys_nobody_was_given_and_tokens_of_other_sessions_are_refused(cloud: Cloud) -> None:
    unknown = {"AccessKeyId": "AKIA" + "X" * 16, "SecretAccessKey": "s"}
    assert refusal(client_with(cloud, "s3", unknown).list_buckets) == (403, "InvalidAccessKeyId")
    assert refusal(client_with(cloud, "ssm", unknown).list_commands) == (400, "UnrecognizedClientException")
    assert refusal(client_with(cloud, "sts", unknown).get_caller_identity) == (403, "InvalidClientTokenId")
    mixed = {**session_of(cloud), "SessionToken": session_of(cloud)["SessionToken"]}
    assert refusal(client_with(cloud, "s3", mixed).list_buckets) == (400, "InvalidToken")
    assert refusal(client_with(cloud, "sts", mixed).get_caller_identity) == (403, "InvalidClientTokenId")


def test_a_call_whose_permission_nobody_knows_is_refused_to_all_but_the_account(cloud: Cloud) -> None:
    session = session_of(cloud)
    ssm, account = client_with(cloud, "ssm", session), client_of(cloud, "ssm")
    assert refusal(lambda: ssm.describe_maintenance_windows()) == (501, "NotImplemented")
    assert account.describe_maintenance_windows()["WindowIdentities"] == []


def test_a_key_that_is_not_there_is_denied_to_who_may_not_list_it(cloud: Cloud) -> None:
    deployer = client_with(cloud, "s3", session_of(cloud))
    read = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    make_roles(client_of(cloud, "iam"), [Role("reader", {"Statement": []}, {"read": read}, 3600)])
    role = cloud.books.open_role_session(f"{ROLES}/reader", "somebody", 900)
    keys = {"AccessKeyId": role.access_key_id, "SecretAccessKey": role.secret_access_key}
    reader = client_with(cloud, "s3", {**keys, "SessionToken": role.session_token})
    missing = {"Bucket": cloud.options.bucket, "Key": "orange/releases/v404/release.json"}
    assert refusal(lambda: deployer.get_object(**missing)) == (404, "NoSuchKey")
    assert refusal(lambda: deployer.head_object(**missing)) == (404, "404")
    assert refusal(lambda: reader.get_object(**missing)) == (403, "AccessDenied")
    assert refusal(lambda: reader.head_object(**missing)) == (403, "403")


def test_a_permissions_boundary_bounds_what_the_roles_own_policies_allow(cloud: Cloud) -> None:
    iam, name = client_of(cloud, "iam"), "bounded"
    read = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:List*", "Resource": "*"}]}
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}]}
    boundary = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(read))["Policy"]["Arn"]
    make_roles(iam, [Role(name, {"Statement": []}, {"all": allow}, 3600, boundary)])
    role = cloud.books.open_role_session(f"{ROLES}/{name}", "somebody", 900)
    keys = {"AccessKeyId": role.access_key_id, "SecretAccessKey": role.secret_access_key}
    ssm = client_with(cloud, "ssm", {**keys, "SessionToken": role.session_token})
    assert ssm.list_commands()["Commands"] == []
    with cloud.expecting_denials(), pytest.raises(ClientError, match="because no permissions boundary allows the ssm:"):
        ssm.describe_instance_information()


def test_what_was_asked_is_on_record(cloud: Cloud) -> None:
    client_with(cloud, "ssm", session_of(cloud)).list_commands()
    [row] = [each for each in cloud.authorised.rows if each.test.endswith("is_on_record")]
    assert (row.principal, row.action) == ("orange-web-deployer", "ssm:ListCommands")
    assert (row.statement, row.allowed) == ("deploy/LookAtFleetAndCommands", True)
    record = (cloud.options.state_directory / "authorised.jsonl").read_text().splitlines()
    assert asdict(row) in [json.loads(each) for each in record]
