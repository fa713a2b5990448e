"""Conditional writes over HTTP: who comes second is told so and changes nothing."""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from deployer.aws.bucket import ATTEMPTS, Bucket
from deployer.core.errors import Refused
from deployer.core.store import AlreadyThere, Changed, Store


@pytest.fixture
def s3(aws_endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=aws_endpoint,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}),
    )


@pytest.fixture
def bucket(s3: Any, request: pytest.FixtureRequest) -> Store:
    name = "b" + hashlib.sha256(request.node.name.encode()).hexdigest()[:20]
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return Bucket(s3, name)


def name_of(bucket: Store) -> str:
    return str(bucket._name)  # type: ignore[attr-defined]


def test_what_is_not_there_is_none(bucket: Store) -> None:
    assert bucket.get("orange/none.json") is None


def test_what_was_created_reads_back(bucket: Store) -> None:
    etag = bucket.create("a.json", b"{}\n", {})
    stored = bucket.get("a.json")
    assert stored is not None
    assert (stored.body, stored.etag) == (b"{}\n", etag)


def test_second_create_is_told_and_changes_nothing(bucket: Store) -> None:
    bucket.create("a", b"first", {})
    with pytest.raises(AlreadyThere, match=f"s3://{name_of(bucket)}/a"):
        bucket.create("a", b"second", {})
    stored = bucket.get("a")
    assert stored is not None
    assert stored.body == b"first"


def test_replace_moves_only_what_was_read(bucket: Store) -> None:
    first = bucket.create("a", b"1", {})
    second = bucket.replace("a", b"2", first)
    with pytest.raises(Changed):
        bucket.replace("a", b"3", first)
    assert bucket.replace("a", b"4", second) != second


def test_replace_of_what_is_gone_is_a_change(bucket: Store, s3: Any) -> None:
    etag = bucket.create("a", b"1", {})
    s3.delete_object(Bucket=name_of(bucket), Key="a")
    with pytest.raises(Changed):
        bucket.replace("a", b"2", etag)


def test_of_many_writers_at_once_exactly_one_wins(bucket: Store) -> None:
    def write(number: int) -> bool:
        try:
            bucket.create("lease.json", str(number).encode(), {})
        except AlreadyThere:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(16))) == 1


def test_list_is_sorted_and_goes_over_pages(bucket: Store, s3: Any) -> None:
    s3.meta.events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 2})
    written = [f"orange/groups/prod/rollouts/{number:010d}.json" for number in range(5)]
    for key in [*reversed(written), "orange/other"]:
        bucket.create(key, b"", {})
    assert list(bucket.list("orange/groups/prod/rollouts/")) == written
    assert bucket.list("nothing/") == ()


def test_objects_carry_tags_type_and_checksum(bucket: Store, s3: Any) -> None:
    sent: dict[str, Any] = {}
    s3.meta.events.register("before-call.s3.PutObject", lambda params, **_: sent.update(params["headers"]))
    bucket.create("a/release.json", b"{}", {"version": "v1", "git-sha": "", "run-id": "7"})
    tags = s3.get_object_tagging(Bucket=name_of(bucket), Key="a/release.json")["TagSet"]
    assert tags == [{"Key": "version", "Value": "v1"}, {"Key": "run-id", "Value": "7"}]
    assert s3.head_object(Bucket=name_of(bucket), Key="a/release.json")["ContentType"] == "application/json"
    assert sent["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(b"{}").digest()).decode()
    assert sent["If-None-Match"] == "*"


def test_missing_bucket_is_a_refusal_that_names_call_and_bucket(s3: Any) -> None:
    with pytest.raises(Refused, match=r"s3:GetObject on s3://no-such-bucket/a"):
        Bucket(s3, "no-such-bucket").get("a")
    with pytest.raises(Refused, match=r"s3:PutObject on s3://no-such-bucket/a"):
        Bucket(s3, "no-such-bucket").replace("a", b"", '"etag"')


class InFlight:
    """A client of S3 that meets another conditional write in flight, `times` times."""

    exceptions = type("Exceptions", (), {"ClientError": ClientError})

    def __init__(self, times: int) -> None:
        self.calls = 0
        self._times = times

    def put_object(self, **_: object) -> dict[str, str]:
        self.calls += 1
        if self.calls <= self._times:
            raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")
        return {"ETag": '"new"'}


def test_write_that_meets_another_in_flight_is_tried_again() -> None:
    client = InFlight(times=1)
    assert Bucket(client, "b").create("a", b"", {}) == '"new"'
    assert client.calls == 2


def test_write_that_keeps_meeting_others_counts_as_second() -> None:
    client = InFlight(times=99)
    with pytest.raises(Changed):
        Bucket(client, "b").replace("a", b"", '"old"')
    assert client.calls == ATTEMPTS
