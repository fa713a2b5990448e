"""What the checks of the bucket make of S3's answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployer.core.errors import Denied, Refused
from deployer.doctor import bucket
from deployer.doctor.finding import State
from deployer.infra.roles import storage_policy
from tests.unit.examined import ACCOUNT, REGION, refused, situation

OURS = storage_policy({"Bucket": "orange-releases"}, ACCOUNT, REGION)


def listed(region: str) -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": region} if region else {}}}


@pytest.mark.parametrize("region", [REGION, ""])
def test_a_bucket_that_can_be_listed_is_there(region: str) -> None:
    assert bucket.there(situation(list_objects_v2=listed(region))).state is State.OK


def test_a_bucket_in_another_region_is_a_problem() -> None:
    found = bucket.there(situation(list_objects_v2=listed("us-east-1")))
    assert (found.state, found.said) == (State.PROBLEM, "it is in us-east-1, and aws-region is eu-central-1")


def test_only_what_a_deploy_may_list_is_listed() -> None:
    s = situation(list_objects_v2=listed(""))
    bucket.there(s)
    assert s.client("s3").asked == [
        ("list_objects_v2", {"Bucket": "orange-releases", "Prefix": "orange/releases/", "MaxKeys": 1})
    ]


@pytest.mark.parametrize(("status", "state"), [("Enabled", State.OK), ("Suspended", State.PROBLEM)])
def test_versioning(status: str, state: State) -> None:
    found = bucket.versioning(situation(get_bucket_versioning={"Status": status}))
    assert found.state is state
    assert state is State.OK or found.fix == (
        "aws s3api put-bucket-versioning --bucket orange-releases --versioning-configuration Status=Enabled"
    )


def test_a_bucket_that_never_had_versioning_says_nothing_of_it() -> None:
    assert bucket.versioning(situation(get_bucket_versioning={})).state is State.PROBLEM


def test_one_open_way_to_the_public_is_named() -> None:
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    answer = {"PublicAccessBlockConfiguration": {**block, "BlockPublicPolicy": False}}
    found = bucket.public_access(situation(get_public_access_block=answer))
    assert (found.state, found.said) == (State.PROBLEM, "is not blocked (BlockPublicPolicy)")


def test_no_public_access_block_at_all_is_all_ways_open() -> None:
    found = bucket.public_access(situation(get_public_access_block=refused("NoSuchPublicAccessBlockConfiguration")))
    assert found.said.count("Block") + found.said.count("Ignore") + found.said.count("Restrict") >= 4


def test_encryption() -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    there = {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}
    assert bucket.encryption(situation(get_bucket_encryption=there)).said == "aws:kms"
    nothing = refused("ServerSideEncryptionConfigurationNotFoundError")
    assert bucket.encryption(situation(get_bucket_encryption=nothing)).state is State.PROBLEM


@pytest.mark.parametrize("look", [bucket.tls_only, bucket.write_once])
def test_the_policy_of_the_template_is_what_is_looked_for(look: Any) -> None:
    assert look(situation(get_bucket_policy={"Policy": json.dumps(OURS)})).state is State.OK


@pytest.mark.parametrize(("look", "sid"), [(bucket.tls_only, "TlsOnly"), (bucket.write_once, "ReleasesAreWriteOnce")])
def test_a_missing_statement_is_shown_as_the_template_has_it(look: Any, sid: str) -> None:
    rest = {**OURS, "Statement": [each for each in OURS["Statement"] if each["Sid"] != sid]}
    found = look(situation(get_bucket_policy={"Policy": json.dumps(rest)}))
    missing = next(each for each in OURS["Statement"] if each["Sid"] == sid)
    assert found.state is State.PROBLEM
    assert json.dumps(missing, indent=2) in found.fix


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}},
        {"Resource": "arn:aws:s3:::another/*/releases/*"},
        {"Action": "s3:GetObject"},
        {"Condition": {"Null": {"s3:if-match": "true"}}},
    ],
)
def test_a_statement_that_only_looks_like_it_does_not_count(change: dict[str, Any]) -> None:
    statement = next(each for each in OURS["Statement"] if each["Sid"] == "ReleasesAreWriteOnce")
    policy = {"Statement": {**statement, **change}}
    assert bucket.write_once(situation(get_bucket_policy={"Policy": json.dumps(policy)})).state is State.PROBLEM


def test_no_policy_at_all() -> None:
    assert bucket.tls_only(situation(get_bucket_policy=refused("NoSuchBucketPolicy"))).state is State.PROBLEM


def test_a_setting_nobody_may_read_is_denied_by_the_name_of_its_permission() -> None:
    with pytest.raises(Denied) as denied:
        bucket.encryption(situation())
    assert denied.value.action == "s3:GetEncryptionConfiguration"


def test_trouble_of_another_kind_is_not_taken_for_no_setting() -> None:
    with pytest.raises(Refused, match="no such bucket"):
        bucket.encryption(situation(get_bucket_encryption=refused("NoSuchBucket")))
