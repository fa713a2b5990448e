"""A job that dies between the push of its images and its release: the next run publishes what the first one pushed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from deployer import cli
from deployer.core.errors import EXIT_DONE
from deployer.image.reference import parse
from deployer.image.registry import Registries
from localcloud.registry import Registry
from tests.cloud.moto import moto_server
from tests.e2e.build.building import RUN, answer, build, images_of
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]
COMPOSE = """\
services:
  web: {build: .}
  jobs: {build: {context: ., args: {PAGE: jobs}}}
"""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with moto_server() as endpoint:
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }.items():
            monkeypatch.setenv(name, value)
        place = {"LocationConstraint": "eu-central-1"}
        boto3.client("s3").create_bucket(Bucket="releases", CreateBucketConfiguration=place)
        yield "releases"


def publish(bucket: str, images: str) -> int:
    words = ["--app=orange", f"--bucket={bucket}", "--version=v1", f"--images={images}"]
    return cli.main(["publish", "--json", *words], RUN)


def test_killed_after_the_push_the_next_run_releases_the_same_digests(
    registry: Registry, checkout: Path, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "docker-compose.yml").write_text(COMPOSE)
    name = f"{registry.address}/killed/{{service}}"
    pushed = Registries(lambda _: None)

    def digests() -> set[str]:
        found = [pushed.labels(parse(f"{registry.address}/killed/{each}:v1")) for each in ("web", "jobs")]
        return {each[0] for each in found if each}

    process = subprocess.Popen(
        [str(ROOT / "scripts" / "run"), "build", "--version=v1", f"--image={name}"],
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
    )
    eventually("both images are pushed", lambda: len(digests()) == 2, patience=120)
    process.kill()
    process.wait()

    before = digests()
    (checkout / "index.html").write_text("built anew, it would be another image")
    assert build(name, "--version=v1") == EXIT_DONE
    said = answer(capsys)
    assert {image.partition("@")[2] for image in images_of(said).values()} == before
    for _ in range(2):
        assert publish(bucket, said["images"]) == EXIT_DONE
    body = boto3.client("s3").get_object(Bucket=bucket, Key="orange/releases/v1/release.json")["Body"]
    assert json.loads(body.read())["images"] == images_of(said)
