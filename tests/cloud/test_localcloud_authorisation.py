"""Who is who in the account, and how long: keys, sessions and their end, roles assumed by roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from tests.cloud.client import client_of, client_with
from tests.cloud.conftest import StartCloud
from tests.waiting import eventually


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
