"""A role that may everything is, in our hands, one that may what the command at hand is for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.aws.bucket import Bucket
from deployer.aws.reach import publishing
from deployer.aws.session import Session, open_session
from deployer.core.errors import Denied
from deployer.github.console import console_for
from deployer.inputs import Access
from tests.cloud.identities import ISSUER, REGION, ROLE, Identities

EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture
def wide(identities: Identities) -> Identities:
    """An account with a bucket, and a role that trusts every job with everything."""
    identities.provide()
    identities.trust({"StringLike": {f"{ISSUER.removeprefix('https://')}:sub": "repo:*"}})
    identities.iam.put_role_policy(RoleName="shop-deploy", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    location: Any = {"LocationConstraint": REGION}
    opened(identities, narrow=False).client("s3").create_bucket(Bucket="shop", CreateBucketConfiguration=location)
    return identities


def opened(identities: Identities, narrow: bool) -> Session:
    access = Access(role_to_assume=ROLE, narrow_session=narrow)
    console = console_for(identities.job, machine_readable=False)
    return open_session(access, console, identities.job, publishing("orange", "shop"))


def test_a_publish_writes_releases_and_nothing_else(wide: Identities) -> None:
    bucket = Bucket(opened(wide, narrow=True).client("s3"), "shop")
    assert bucket.create("orange/releases/v1/release.json", b"{}", {"version": "v1"})
    assert bucket.get("orange/releases/v2/release.json") is None
    put = next(each for each in wide.asked if each.operation == "s3:PutObject")
    assert "run/77-2" in put.user_agent
    with pytest.raises(Denied) as refused:
        bucket.create("orange/groups/orange-web/desired.json", b"{}", {})
    assert "the session policy this command made for itself" in refused.value.what
    assert "narrow-session: false" in refused.value.fix


def test_a_publish_reads_no_secret_unless_one_wants_the_whole_role(wide: Identities) -> None:
    with pytest.raises(ClientError, match="no session policy allows the ssm:GetParameter action"):
        opened(wide, narrow=True).client("ssm").get_parameter(Name="/orange/env")
    with pytest.raises(ClientError, match="ParameterNotFound"):
        opened(wide, narrow=False).client("ssm").get_parameter(Name="/orange/env")
