"""`check`: what is wrong with a delivery is said before its first step changes anything."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from deployer import cli
from deployer.core.errors import EXIT_BAD_INPUT, EXIT_DONE

DIGEST = "sha256:" + "d" * 64
IMAGE = "registry.example.com/orange"
ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
COMPOSE = """\
services:
  web:
    image: ${REGISTRY}/orange
  promtail:
    image: grafana/promtail
"""
FLAGS = {
    "app": "orange",
    "bucket": "releases",
    "auto-scaling-group": "orange-prod",
    "version": "v1",
    "image": IMAGE,
    "service": "web",
    "aws-region": "eu-central-1",
}


@pytest.fixture(autouse=True)
def checkout(aws_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [each for each in os.environ if each.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(**changes: str) -> int:
    return check_in({}, **changes)


def check_in(job: Mapping[str, str], **changes: str) -> int:
    flags = {**FLAGS, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return cli.main(["check", "--json", *(f"--{name}={value}" for name, value in flags.items() if value)], job)


def test_image_to_be_built_has_no_digest_yet(capsys: pytest.CaptureFixture[str]) -> None:
    assert check() == EXIT_DONE
    assert json.loads(capsys.readouterr().out) == {"image": "", "digest": "", "images": "", "exit_code": 0}


def test_image_given_by_its_digest_is_said_and_nothing_is_built(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "Dockerfile").unlink()
    assert check(image=f"{IMAGE}:v0@{DIGEST}", push="false") == EXIT_DONE
    answer = json.loads(capsys.readouterr().out)
    assert (answer["image"], answer["digest"]) == (f"{IMAGE}@{DIGEST}", DIGEST)
    assert answer["images"] == f"web={IMAGE}@{DIGEST}"


def commit(folder: Path, origin: str) -> None:
    git = ("git", "-C", str(folder), "-c", "user.name=test", "-c", "user.email=test@example.com")
    for words in (
        ("init", "--quiet"),
        ("remote", "add", "origin", origin),
        ("commit", "--quiet", "--allow-empty", "--message=a"),
    ):
        subprocess.run([*git, *words], check=True)


JOB = {"GITHUB_REPOSITORY": "acme/orange", "GITHUB_SHA": "a" * 40, "GITHUB_REF": "refs/heads/main"}


def test_commit_of_a_pull_request_is_a_preview_whatever_started_the_run(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(checkout, "https://github.com/acme/orange")
    event = {"issue": {"number": 7, "pull_request": {"merged_at": None}}}
    (checkout / "event.json").write_text(json.dumps(event))
    job = {**JOB, "GITHUB_EVENT_NAME": "issue_comment", "GITHUB_EVENT_PATH": str(checkout / "event.json")}
    assert check_in(job) == EXIT_BAD_INPUT
    assert "refs/pull/7/head" in json.loads(capsys.readouterr().out)["error"]
    assert check_in(job, allow_preview="true") == EXIT_DONE


def test_another_repository_that_is_checked_out_is_not_tagged_here(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(checkout, "https://github.com/acme/app")
    assert check_in(JOB, git_tag="true", github_token="t") == EXIT_BAD_INPUT
    answer = json.loads(capsys.readouterr().out)
    assert "made from acme/app" in answer["error"]
    assert "belongs to acme/orange" in answer["error"]


def test_service_need_not_be_named_where_only_one_can_be_meant(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "docker-compose.yml").write_text(COMPOSE.replace("${REGISTRY}", "registry.example.com"))
    assert check(image=f"{IMAGE}@{DIGEST}", service="") == EXIT_DONE
    assert json.loads(capsys.readouterr().out)["images"] == f"web={IMAGE}@{DIGEST}"
    assert check(service="") == EXIT_DONE


def test_services_are_named_where_it_is_not_clear_which_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(image=f"{IMAGE}@{DIGEST}", service="") == EXIT_BAD_INPUT
    answer = json.loads(capsys.readouterr().out)
    assert "web, promtail" in answer["error"]
    assert "`service`" in answer["fix"]


def test_name_of_a_repository_with_capitals_is_taken_in_lower_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(image=f"ghcr.io/AwesomeOrange/Orange@{DIGEST}") == EXIT_DONE
    assert json.loads(capsys.readouterr().out)["images"] == f"web=ghcr.io/awesomeorange/orange@{DIGEST}"


def test_every_service_with_a_build_is_to_be_built(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "docker-compose.yml").write_text("services: {web: {build: .}, jobs: {build: .}, db: {image: redis}}\n")
    assert check(image=IMAGE + "-{service}", service="") == EXIT_DONE
    assert check(image=IMAGE + "-{service}") == EXIT_BAD_INPUT
    assert "service is given" in json.loads(capsys.readouterr().out.partition("}\n")[2])["error"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"app": "a/b"}, "a/b"),
        ({"bucket": "s3://releases"}, "s3://releases"),
        ({"auto_scaling_group": "a b"}, "a b"),
        ({"version": "a b"}, "a b"),
        ({"version": ""}, "--version"),
        ({"image": ""}, "service"),
        ({"service": ""}, "service"),
        ({"service": "wev"}, "wev"),
        ({"image": IMAGE + ":v1"}, "with a tag"),
        ({"image": "Registry//Orange"}, "registry//orange"),
        ({"image": IMAGE + "@sha256:d"}, "@sha256:d"),
        ({"push": "false"}, "push is false"),
        ({"cache": "inline"}, "inline"),
        ({"provenance": "yes"}, "provenance"),
        ({"extra_tags": "a b"}, "extra-tags"),
        ({"platforms": "amd64"}, "platforms"),
        ({"build_args": "1A=x"}, "build-args"),
        ({"secrets": "id=npm"}, "npm has no source"),
        ({"context": "none"}, "context"),
        ({"dockerfile": "none"}, "none"),
        ({"registry_username": "user"}, "registry-password"),
        ({"image": f"{ECR}/orange", "registry_username": "octocat", "registry_password": "x"}, "knows no user but AWS"),
        ({"images": "web=team/orange:v1"}, "web=team/orange:v1"),
        ({"images": f"web=team/orange@{DIGEST}"}, "twice"),
        ({"images": f"wev=team/orange@{DIGEST}"}, "wev"),
        ({"image": "", "service": ""}, "service web runs"),
        ({"compose_files": "none.yml"}, "none.yml"),
        ({"files": "none"}, "none"),
        ({"parameters": "/orange/*"}, "/orange/*"),
        ({"health_check": "localhost:8080"}, "localhost:8080"),
        ({"health_status": "99"}, "99"),
        ({"health_timeout": "0s"}, "health-timeout"),
        ({"max_unavailable": "0"}, "max-unavailable"),
        ({"drain": "sometimes"}, "sometimes"),
        ({"aws_region": "nowhere"}, "nowhere"),
    ],
)
def test_bad_input_of_any_step_is_found(
    changes: dict[str, str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(**changes) == EXIT_BAD_INPUT
    answer = json.loads(capsys.readouterr().out)
    assert named in answer["error"] + answer["fix"]
    assert answer["fix"]
