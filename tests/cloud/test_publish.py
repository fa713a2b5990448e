"""`publish` from a working directory into a bucket over HTTP: complete, once, and never another thing."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from deployer import cli
from deployer.aws.bucket import Bucket
from deployer.core.errors import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED
from deployer.core.release import Release, sha256_of
from deployer.core.store import Stored
from tests.cloud.registry_stub import RegistryStub, running
from tests.loopback_server import Request, loopback_server

DIGEST = "sha256:" + "d" * 64
ORANGE = f"team/orange@{DIGEST}"
COMPOSE = """\
version: '3.8'
services:
  spring_server:
    image: ${DOCKERHUB_USERNAME}/orange
    env_file:
      - ../.env
  promtail:
    image: REGISTRY/grafana/promtail
    env_file:
      - ../.env
    volumes:
      - ./promtail-config.yml:/promtail-config.yml
"""
FLAGS = {
    "app": "orange",
    "bucket": "releases",
    "version": "v1",
    "images": f"spring_server={ORANGE}",
    "parameters": "/orange/env",
    "environment-file": "../.env",
    "health-check": "http://localhost:8080/",
    "aws-region": "eu-central-1",
}


@pytest.fixture
def s3(aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in [each for each in os.environ if each.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client("s3", region_name="eu-central-1", config=Config(s3={"addressing_style": "path"}))
    empty(client, "releases")
    client.create_bucket(Bucket="releases", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return client


def empty(client: Any, bucket: str) -> None:
    if bucket in [each["Name"] for each in client.list_buckets()["Buckets"]]:
        for each in client.list_objects_v2(Bucket=bucket).get("Contents", ()):
            client.delete_object(Bucket=bucket, Key=each["Key"])
        client.delete_bucket(Bucket=bucket)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RegistryStub]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with running(RegistryStub()) as stub:
        stub.add("grafana/promtail", "latest")
        yield stub


@pytest.fixture
def checkout(tmp_path: Path, registry: RegistryStub, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text(COMPOSE.replace("REGISTRY", registry.host))
    (folder / "promtail-config.yml").write_text("server: {http_listen_port: ${PROMTAIL_PORT}}\n")
    monkeypatch.chdir(folder)
    return folder


def publish(env: Mapping[str, str] | None = None, /, **changes: str) -> int:
    flags = {**FLAGS, **{name.replace("_", "-"): value for name, value in changes.items()}}
    words = [f"--{name}={value}" for name, value in flags.items() if value]
    return cli.main(["publish", "--json", *words], env or {})


def objects(s3: Any) -> dict[str, bytes]:
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="releases").get("Contents", ())]
    return {key: s3.get_object(Bucket="releases", Key=key)["Body"].read() for key in keys}


def test_release_is_complete_and_every_file_is_what_the_manifest_says(
    s3: Any, checkout: Path, registry: RegistryStub, capsys: pytest.CaptureFixture[str]
) -> None:
    promtail = registry.add("grafana/promtail", "latest")
    assert publish() == EXIT_DONE
    found = objects(s3)
    manifest = found.pop("orange/releases/v1/release.json")
    release = Release.from_json(manifest)
    assert release.images == {
        "spring_server": ORANGE,
        "promtail": f"{registry.host}/grafana/promtail@{promtail}",
    }
    assert release.compose == ("docker-compose.yml", "compose.images.yml")
    assert release.registries == {}
    assert (release.environment.parameters, release.environment.file) == ("/orange/env", "../.env")
    named = {f"orange/releases/v1/{each.path}": each.sha256 for each in release.files}
    named[f"orange/releases/v1/{release.activate.path}"] = release.activate.sha256
    assert {key: sha256_of(body) for key, body in found.items()} == named
    assert {each.path: each.size for each in release.files}["promtail-config.yml"] == 45
    assert found["orange/releases/v1/docker-compose.yml"] == (checkout / "docker-compose.yml").read_bytes()
    answer = json.loads(capsys.readouterr().out)
    assert (answer["version"], answer["manifest-sha256"]) == ("v1", sha256_of(manifest))


@pytest.mark.usefixtures("checkout")
def test_objects_and_manifest_say_which_run_and_commit_they_are_from(s3: Any) -> None:
    run = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SHA": "a" * 40,
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REPOSITORY": "awesomeorange/orange",
        "GITHUB_RUN_ID": "77",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_ACTOR": "octocat",
    }
    assert publish(run) == EXIT_DONE
    for key in objects(s3):
        tags = s3.get_object_tagging(Bucket="releases", Key=key)["TagSet"]
        assert {each["Key"]: each["Value"] for each in tags} == {"version": "v1", "git-sha": "a" * 40, "run-id": "77"}
    release = Release.from_json(objects(s3)["orange/releases/v1/release.json"])
    assert (release.git.sha, release.git.ref, release.run.id, release.run.attempt) == (
        "a" * 40, "refs/heads/main", "77", "2",
    )  # fmt: skip
    assert release.run.url.startswith("https://github.com/awesomeorange/orange/actions/runs/77")


@pytest.mark.usefixtures("checkout")
def test_same_content_again_is_a_no_op_even_when_a_tag_has_moved(
    s3: Any, registry: RegistryStub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == EXIT_DONE
    first, before = json.loads(capsys.readouterr().out), objects(s3)
    registry.add("grafana/promtail", "latest", {"moved": "yes"})
    assert publish({"GITHUB_RUN_ID": "78"}) == EXIT_DONE
    assert json.loads(capsys.readouterr().out) == first
    assert objects(s3) == before


def test_same_version_with_other_content_is_an_error_that_names_what_differs(
    s3: Any, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == EXIT_DONE
    before = objects(s3)
    capsys.readouterr()
    (checkout / "promtail-config.yml").write_text("other")
    assert publish(images=f"spring_server=team/orange@sha256:{'e' * 64}", health_status="204") == EXIT_FAILED
    error = json.loads(capsys.readouterr().out)["error"]
    for named in ("image of spring_server differs", "file promtail-config.yml differs", "health differs"):
        assert named in error
    assert objects(s3) == before


@pytest.mark.usefixtures("checkout")
def test_publish_that_was_killed_is_finished_by_the_next(s3: Any) -> None:
    assert publish() == EXIT_DONE
    complete = objects(s3)
    s3.delete_object(Bucket="releases", Key="orange/releases/v1/release.json")
    s3.delete_object(Bucket="releases", Key="orange/releases/v1/promtail-config.yml")
    assert publish() == EXIT_DONE
    again = objects(s3)
    release, old = (Release.from_json(each["orange/releases/v1/release.json"]) for each in (again, complete))
    assert release.files == old.files
    assert set(again) == set(complete)


@pytest.mark.parametrize(("status", "exit_code"), [("200", EXIT_DONE), ("204", EXIT_FAILED)])
@pytest.mark.usefixtures("checkout")
def test_run_that_loses_the_race_for_the_manifest_ends_as_if_it_came_later(
    s3: Any, monkeypatch: pytest.MonkeyPatch, status: str, exit_code: int
) -> None:
    assert publish() == EXIT_DONE
    before = objects(s3)
    real, seen = Bucket.get, []

    def blind_at_first(self: Bucket, key: str) -> Stored | None:
        seen.append(key)
        return real(self, key) if len(seen) > 1 else None

    monkeypatch.setattr(Bucket, "get", blind_at_first)
    assert publish(health_status=status) == exit_code
    assert len(seen) > 1
    assert objects(s3) == before


def test_leftover_with_other_content_is_never_overwritten(
    s3: Any, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "orange/releases/v1/promtail-config.yml"
    s3.put_object(Bucket="releases", Key=key, Body=b"older")
    assert publish() == EXIT_FAILED
    assert "did not finish" in json.loads(capsys.readouterr().out)["error"]
    assert objects(s3)[key] == b"older"
    assert "orange/releases/v1/release.json" not in objects(s3)
    assert checkout.exists()


@pytest.mark.usefixtures("checkout")
def test_without_pinning_images_stay_as_written(s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert publish(pin_images="false", images="") == EXIT_DONE
    release = Release.from_json(objects(s3)["orange/releases/v1/release.json"])
    assert (dict(release.images), release.compose) == ({}, ("docker-compose.yml",))
    assert "service spring_server runs ${DOCKERHUB_USERNAME}/orange" in capsys.readouterr().err


@pytest.mark.usefixtures("checkout")
def test_logins_of_registries_are_named_in_the_manifest(s3: Any) -> None:
    assert publish(registry_credentials="docker.io=/orange/dockerhub\nlocalhost:5000=login") == EXIT_DONE
    release = Release.from_json(objects(s3)["orange/releases/v1/release.json"])
    assert release.registries == {"docker.io": "/orange/dockerhub", "localhost:5000": "login"}


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"app": "a/b"}, "a/b"),
        ({"bucket": "s3://releases"}, "s3://releases"),
        ({"bucket": "Releases"}, "Releases"),
        ({"version": "a b"}, "a b"),
        ({"version": ""}, "version"),
        ({"images": ""}, "spring_server"),
        ({"images": f"web={ORANGE}"}, "web"),
        ({"images": "spring_server=team/orange:v1"}, "spring_server=team/orange:v1"),
        ({"compose_files": "none.yml"}, "none.yml"),
        ({"files": "none"}, "none"),
        ({"environment_file": ".env"}, "../.env"),
        ({"registry_credentials": "/orange/dockerhub"}, "docker.io=/orange/dockerhub"),
        ({"registry_credentials": "https://ghcr.io=/login"}, "https://ghcr.io=/login"),
        ({"registry_credentials": "hub=/login"}, "hub=/login"),
        ({"registry_credentials": "ghcr.io=/a b"}, "ghcr.io=/a b"),
        ({"registry_credentials": "ghcr.io=/a,ghcr.io=/b"}, "ghcr.io twice"),
        ({"registry_credentials": ",".join(f"r{each}.io=/r{each}" for each in range(11))}, "more than 10"),
        ({"parameters": "/orange/*"}, "/orange/*"),
        ({"parameters": "/orange/env:latest"}, "/orange/env:latest"),
        ({"health_check": "localhost:8080"}, "localhost:8080"),
        ({"health_check": "http://[bad url"}, "bad url"),
        ({"health_status": "99"}, "99"),
        ({"health_timeout": "0s"}, "health-timeout"),
        ({"health_timeout": "soon"}, "soon"),
        ({"pin_images": "maybe"}, "maybe"),
        ({"aws_region": "nowhere"}, "nowhere"),
    ],
)
def test_bad_input_is_refused_before_anything_is_touched(
    s3: Any, capsys: pytest.CaptureFixture[str], changes: dict[str, str], named: str
) -> None:
    assert publish(None, **changes) == EXIT_BAD_INPUT
    answer = json.loads(capsys.readouterr().out)
    assert named in answer["error"] + answer["fix"]
    assert objects(s3) == {}


def test_compose_file_that_is_not_yaml_is_refused_with_its_line(
    s3: Any, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "docker-compose.yml").write_text("services:\n  web:\n\timage: a\n")
    assert publish() == EXIT_BAD_INPUT
    assert "docker-compose.yml:3: not YAML" in json.loads(capsys.readouterr().out)["error"]
    assert objects(s3) == {}


@pytest.mark.usefixtures("checkout")
def test_image_that_does_not_exist_is_refused_before_anything_is_touched(
    s3: Any, registry: RegistryStub, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.objects.clear()
    assert publish() == EXIT_BAD_INPUT
    assert "grafana/promtail:latest" in json.loads(capsys.readouterr().out)["error"]
    assert objects(s3) == {}


@pytest.mark.usefixtures("checkout", "s3")
def test_missing_bucket_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert publish(bucket="no-such-bucket") == EXIT_FAILED
    assert "s3://no-such-bucket" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.usefixtures("checkout", "s3")
def test_job_that_is_cancelled_while_aws_is_slow_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def answer(request: Request) -> None:
        seen.append(request.path)
        os.kill(os.getpid(), signal.SIGTERM)
        with suppress(OSError):  # nobody waits for it any more
            request.reply(503, "")

    with loopback_server(answer) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address.url)
        assert publish() == 128 + signal.SIGTERM
    assert len(seen) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "stopped by SIGTERM"
