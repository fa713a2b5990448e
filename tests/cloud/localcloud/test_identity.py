"""Who gets which role: tokens of the local cloud's GitHub, STS, and the metadata service of an instance."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import jwt
import pytest
from botocore.exceptions import ClientError
from moto.sts.models import sts_backends

from localcloud.aws.account import ACCOUNT
from localcloud.cloud import Cloud
from localcloud.control import Client, ControlError
from tests.cloud.client import client_of


def fetch(url: str, headers: dict[str, str] | None = None, method: str = "GET") -> str:
    request = urllib.request.Request(url, headers=headers or {}, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        text: str = response.read().decode()
        return text


def token_of(cloud: Cloud, audience: str = "sts.amazonaws.com") -> str:
    """A token as a job asks for it."""
    environment = cloud.environment
    answer = fetch(
        f"{environment['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={audience}",
        {"Authorization": f"bearer {environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
    )
    token: str = json.loads(answer)["value"]
    return token


def assume(cloud: Cloud, token: str, **wanted: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client_of(cloud, "sts").assume_role_with_web_identity(
        **{
            "RoleArn": cloud.environment["ROLE_TO_ASSUME"],
            "RoleSessionName": "run-1",
            "WebIdentityToken": token,
            **wanted,
        }
    )
    return answer


def refusal(cloud: Cloud, token: str, **wanted: Any) -> str:
    with pytest.raises(ClientError) as caught:
        assume(cloud, token, **wanted)
    code: str = caught.value.response["Error"]["Code"]
    return code


def test_a_genuine_token_gets_credentials_that_are_the_roles(cloud: Cloud) -> None:
    given = assume(cloud, token_of(cloud))
    credentials = given["Credentials"]
    sts = boto3.client(
        "sts",
        endpoint_url=cloud.environment["AWS_ENDPOINT_URL"],
        region_name=cloud.environment["AWS_REGION"],
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    who = sts.get_caller_identity()["Arn"]
    assert who == given["AssumedRoleUser"]["Arn"]
    assert who.endswith(":assumed-role/orange-web-deployer/run-1")


@pytest.mark.parametrize("immutable", [True, False])
def test_both_forms_of_the_subject_are_trusted(cloud: Cloud, immutable: bool) -> None:
    token = cloud.github.issuer.token(
        "sts.amazonaws.com", {"sub": replace(cloud.github.issuer.job, immutable_subject=immutable).subject}
    )
    assert assume(cloud, token)["Credentials"]


def test_every_other_token_is_refused_in_awss_own_words(cloud: Cloud) -> None:
    issuer = cloud.github.issuer
    past = int(time.time()) - 10
    stranger = {"sub": "repo:stranger/orange:ref:refs/heads/main"}
    assert refusal(cloud, "not.a.token") == "InvalidIdentityToken"
    assert refusal(cloud, issuer.token("sts.amazonaws.com", {"exp": past})) == "ExpiredTokenException"
    assert refusal(cloud, issuer.token("another-audience")) == "InvalidIdentityToken"
    assert refusal(cloud, issuer.token("sts.amazonaws.com", {"iss": "https://elsewhere"})) == "InvalidIdentityToken"
    assert refusal(cloud, issuer.token("sts.amazonaws.com", stranger)) == "AccessDenied"
    assert refusal(cloud, token_of(cloud), RoleArn="arn:aws:iam::123456789012:role/none") == "AccessDenied"
    assert refusal(cloud, token_of(cloud), DurationSeconds=7200) == "ValidationError"


def test_a_token_signed_by_somebody_else_is_refused(cloud: Cloud) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    claims = jwt.decode(token_of(cloud), options={"verify_signature": False})
    forged = jwt.encode(claims, rsa.generate_private_key(65537, 2048), algorithm="RS256")
    assert refusal(cloud, forged) == "InvalidIdentityToken"


def test_the_issuer_publishes_the_key_its_tokens_verify_with(cloud: Cloud) -> None:
    configuration = json.loads(fetch(f"{cloud.github.issuer.base_url}/.well-known/openid-configuration"))
    key = jwt.PyJWKClient(configuration["jwks_uri"]).get_signing_key_from_jwt(token_of(cloud))
    claims = jwt.decode(token_of(cloud), key.key, algorithms=["RS256"], audience="sts.amazonaws.com")
    assert claims["iss"] == configuration["issuer"]
    assert claims["exp"] - claims["iat"] == 300
    assert claims["repository"] == "awesomeorange/orange"


def test_the_token_endpoint_needs_the_jobs_own_token(cloud: Cloud) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        fetch(cloud.environment["ACTIONS_ID_TOKEN_REQUEST_URL"], {"Authorization": "bearer wrong"})


def test_an_instance_is_its_role_through_the_metadata_service(cloud: Cloud) -> None:
    instance_id, member = next(iter(cloud.fleet.members.items()))
    assert member.metadata
    base = f"http://127.0.0.1:{member.metadata.port}"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        fetch(f"{base}/latest/meta-data/instance-id")
    token = fetch(f"{base}/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}, "PUT")
    session = {"X-aws-ec2-metadata-token": token}
    assert fetch(f"{base}/latest/meta-data/instance-id", session) == instance_id
    assert fetch(f"{base}/latest/meta-data/placement/region", session) == cloud.options.region
    assert fetch(f"{base}/latest/meta-data/iam/security-credentials/", session) == "orange-web-instance"
    assert fetch(f"{base}/latest/user-data", session).startswith("#!/bin/sh")
    tag = fetch(f"{base}/latest/meta-data/tags/instance/aws:autoscaling:groupName", session)
    assert tag == cloud.options.group
    cli = subprocess.run(
        [Path(sys.executable).parent / "aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
        env={
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": cloud.environment["AWS_ENDPOINT_URL"],
            "AWS_REGION": cloud.options.region,
            "AWS_DEFAULT_REGION": cloud.options.region,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": base,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert cli.stdout.strip().endswith(f":assumed-role/orange-web-instance/{instance_id}")


def test_an_upload_that_is_not_what_its_checksum_says_is_refused(cloud: Cloud) -> None:
    s3 = client_of(cloud, "s3")
    digest = base64.b64encode(hashlib.sha256(b"right").digest()).decode()
    s3.put_object(Bucket=cloud.options.bucket, Key="a", Body=b"right", ChecksumSHA256=digest)
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=cloud.options.bucket, Key="b", Body=b"wrong", ChecksumSHA256=digest)
    assert caught.value.response["Error"]["Code"] == "BadDigest"


def test_the_job_the_tokens_speak_of_can_be_changed_from_outside(cloud: Cloud) -> None:
    client = Client(cloud.server.origin, cloud.control_token)
    before = cloud.github.issuer.job
    answer = client.call("job", environment="staging")
    assert answer["sub"].endswith(":environment:staging")
    assert refusal(cloud, token_of(cloud)) == "AccessDenied"
    client.call("job", environment=before.environment)
    with pytest.raises(ControlError, match="token is missing or wrong"):
        Client(cloud.server.origin, "guess").call("status")


@pytest.fixture
def first(cloud: Cloud) -> Any:
    """STS as the session of the deployer role sees it."""
    return sts_with(cloud, assume(cloud, token_of(cloud))["Credentials"])


def sts_with(cloud: Cloud, credentials: dict[str, Any]) -> Any:
    return boto3.client(
        "sts",
        endpoint_url=cloud.environment["AWS_ENDPOINT_URL"],
        region_name=cloud.environment["AWS_REGION"],
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


@pytest.fixture(scope="module")
def second_role(cloud: Cloud) -> str:
    """A role that trusts the deployer role, if it knows the external id."""
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": cloud.environment["ROLE_TO_ASSUME"]},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "tenant-7"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = client_of(cloud, "iam").create_role(
        RoleName="second", AssumeRolePolicyDocument=document, MaxSessionDuration=43200
    )
    arn: str = made["Role"]["Arn"]
    return arn


def chained(client: Any, role: str, **wanted: Any) -> Any:
    return client.assume_role(RoleArn=role, RoleSessionName="run-1", **{"ExternalId": "tenant-7", **wanted})


def chain_refusal(client: Any, role: str, **wanted: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        chained(client, role, **wanted)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_role_hands_on_to_a_second_one_that_trusts_it(cloud: Cloud, first: Any, second_role: str) -> None:
    given = chained(first, second_role)
    assert sts_with(cloud, given["Credentials"]).get_caller_identity()["Arn"].endswith(":assumed-role/second/run-1")


@pytest.mark.expects_denial
def test_a_wrong_external_id_and_a_stranger_are_refused_alike(cloud: Cloud, first: Any, second_role: str) -> None:
    stranger, nothing = client_of(cloud, "sts"), f"{second_role}s"
    for client, role, external_id in (
        (first, second_role, "tenant-8"),
        (stranger, second_role, "tenant-7"),
        (first, nothing, "tenant-7"),
    ):
        code, message = chain_refusal(client, role, ExternalId=external_id)
        assert code == "AccessDenied"
        assert message.endswith(f"is not authorized to perform: sts:AssumeRole on resource: {role}")


def test_a_chained_session_lasts_an_hour_at_most_whatever_the_role_allows(first: Any, second_role: str) -> None:
    assert "1 hour" in chain_refusal(first, second_role, DurationSeconds=3601)[1]


def test_a_session_policy_is_kept_with_the_session(first: Any, second_role: str) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    given = chained(first, second_role, Policy=policy)
    kept = sts_backends[ACCOUNT]["aws"].get_assumed_role_from_access_key(given["Credentials"]["AccessKeyId"])
    assert kept is not None
    assert kept.policy == policy
    assert given["PackedPolicySize"] >= 1
    assert chain_refusal(first, second_role, Policy="{")[0] == "MalformedPolicyDocument"
    code, message = chain_refusal(first, second_role, Policy=json.dumps({"Statement": ["x" * 2048]}))
    assert (code, message[-43:]) == ("ValidationError", "must have length less than or equal to 2048")
