"""A rollout takes the very release that was published, or none: whatever was exchanged on the way, nothing changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from deployer.core import keys
from tests.cloud.client import client_of
from tests.cloud.delivery import Delivery, delivering

GONE = "sha256:" + "e" * 64
FAILED, ROLLED_BACK = 1, 3


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    """A group of one on v1."""
    with delivering(tmp_path_factory, instances=1) as delivery:
        delivery.bring_to("v1")
        yield delivery


@contextmanager
def exchanged(delivery: Delivery, version: str, path: str, old: bytes, new: bytes) -> Iterator[None]:
    """A file of a release with other bytes, as the account's own root could put it there."""
    s3, bucket, key = (
        client_of(delivery.cloud, "s3"),
        delivery.cloud.options.bucket,
        keys.release("orange", version, path),
    )
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert old in body
    s3.put_object(Bucket=bucket, Key=key, Body=body.replace(old, new))
    yield
    s3.put_object(Bucket=bucket, Key=key, Body=body)


def refused(delivery: Delivery, version: str, *words: str) -> str:
    """What a rollout says that ends badly; the instance serves what it served, and that is what newborns boot."""
    done = delivery.run("rollout", "--version", version, "--max-unavailable", "1", "--json", *words)
    assert done.returncode in (FAILED, ROLLED_BACK), done.stderr
    assert (delivery.answers(), delivery.desired()) == ({"v1"}, "v1")
    told: dict[str, Any] = json.loads(done.stdout)
    return f"{told['error']} {done.stderr}"


def test_a_manifest_that_is_not_the_one_published_is_refused(delivery: Delivery) -> None:
    delivery.publish("v2")
    before = delivery.document("lease.json")
    said = refused(delivery, "v2", "--manifest-sha256", "0" * 64)
    assert "the manifest of v2 in the bucket is not the one that was published" in said
    assert delivery.document("lease.json") == before


def test_a_release_that_a_group_runs_is_refused_once_its_manifest_was_exchanged(delivery: Delivery) -> None:
    with exchanged(delivery, "v1", "release.json", b'"timeout": 20', b'"timeout": 21'):
        assert "is not the one that was rolled out to orange-web" in refused(delivery, "v1")
        planned = delivery.run("plan", "--version", "v1", "--max-unavailable", "1")
        assert planned.returncode == FAILED
        assert "is not the one that was rolled out to orange-web" in planned.stderr


def test_a_file_that_was_exchanged_is_noticed_before_anything_that_serves_is_touched(delivery: Delivery) -> None:
    delivery.publish("v3")
    with exchanged(delivery, "v3", "docker-compose.yml", b"8080:8080", b"8080:8081"):
        said = refused(delivery, "v3", "--manifest-sha256", manifest_of(delivery, "v3"))
    assert "checksum mismatch" in said
    assert "v3/docker-compose.yml" in said


def test_a_script_that_was_exchanged_is_not_run(delivery: Delivery) -> None:
    delivery.publish("v4")
    with exchanged(delivery, "v4", "activate", b"#!/usr/bin/env bash", b"#!/usr/bin/env bash\nexit 0"):
        assert "v4/activate" in refused(delivery, "v4")


def test_an_image_that_is_gone_from_its_registry_is_named(delivery: Delivery) -> None:
    image = f"{delivery.cloud.registry.address}/web@{GONE}"
    done = delivery.run("publish", "--version", "v5", "--images", f"web={image}")
    assert done.returncode == 0, done.stderr
    assert f"image {image} cannot be pulled" in refused(delivery, "v5")


def manifest_of(delivery: Delivery, version: str) -> str:
    """What publishing it again, which changes nothing, says of it."""
    image = delivery.push_image(delivery.cloud.registry.address, version, True)
    words = ["--version", version, "--images", f"web={image}", "--parameters", delivery.cloud.options.parameters]
    words += ["--health-check", "http://localhost:8080/", "--health-timeout", "20s", "--json"]
    done = delivery.run("publish", *words)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["manifest-sha256"])
