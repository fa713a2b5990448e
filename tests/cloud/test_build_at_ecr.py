"""A build for ECR: the login comes from AWS, reaches docker through stdin, and is gone afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from deployer import cli
from deployer.core.errors import EXIT_DONE, EXIT_FAILED
from tests.cloud.registry_stub import digest_of

REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
DIGEST = digest_of(b"pushed")
DOCKER = """\
#!/bin/sh
# docker, which notes how it is called
echo "$*" >>{folder}/asked
case $* in
  login*) cat >{folder}/password; echo "$DOCKER_CONFIG" >{folder}/config ;;
  "buildx inspect") echo "Driver: kubernetes" ;;
  "buildx build"*)
    cp "$DOCKER_CONFIG/config.json" {folder}/used
    for word; do case $word in --metadata-file=*) metadata=${{word#*=}} ;; esac; done
    echo '{{"containerimage.digest": "{digest}"}}' >"$metadata"
    exit {code} ;;
esac
"""


@pytest.fixture
def folder(aws_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [each for each in os.environ if each.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # the registry itself is out of reach
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path / "temporary"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "users-own"))
    monkeypatch.setattr("urllib3.util.retry.Retry.get_backoff_time", lambda _: 0.0)
    (tmp_path / "temporary").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(folder: Path, *words: str, code: int = 0) -> int:
    (folder / "docker").write_text(DOCKER.format(folder=folder, digest=DIGEST, code=code))
    (folder / "docker").chmod(0o755)
    command = ["build", "--json", f"--image={REGISTRY}/orange", "--version=v1", *words]
    return cli.main(command, {"GITHUB_SHA": "a" * 40})


def test_password_goes_through_stdin_and_the_login_is_gone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(folder) == EXIT_DONE
    output = capsys.readouterr()
    assert json.loads(output.out)["image"] == f"{REGISTRY}/orange@{DIGEST}"
    password = (folder / "password").read_text()
    asked = (folder / "asked").read_text()
    assert password
    assert f"login --username AWS --password-stdin {REGISTRY}\n" in asked
    assert password not in asked + output.out + output.err
    assert json.loads((folder / "used").read_text())["credHelpers"] == {REGISTRY: ""}
    assert not Path((folder / "config").read_text().strip()).exists()
    assert list((folder / "temporary").iterdir()) == []
    assert not (folder / "users-own").exists()


def test_login_is_gone_also_when_the_build_fails(folder: Path) -> None:
    assert build(folder, code=1) == EXIT_FAILED
    assert (folder / "used").exists()
    assert list((folder / "temporary").iterdir()) == []


OTHER = REGISTRY.replace("123456789012", "210987654321")


def test_cache_in_another_registry_of_ecr_has_a_login_of_its_own(folder: Path) -> None:
    assert build(folder, "--cache=registry", f"--cache-ref={OTHER}/cache:orange") == EXIT_DONE
    asked = (folder / "asked").read_text()
    for registry in (REGISTRY, OTHER):
        assert f"login --username AWS --password-stdin {registry}\n" in asked
    assert json.loads((folder / "used").read_text())["credHelpers"] == {REGISTRY: "", OTHER: ""}


def test_base_images_are_had_also_where_nothing_is_pushed(folder: Path) -> None:
    assert build(folder, "--push=false") == EXIT_DONE
    assert f"login --username AWS --password-stdin {REGISTRY}\n" in (folder / "asked").read_text()


def test_trying_a_build_takes_no_identity(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(folder))
    (folder / "users-own").mkdir()
    assert build(folder, "--push=false") == EXIT_DONE
    assert f"going on without a login at {REGISTRY}: " in capsys.readouterr().err
    assert "login" not in (folder / "asked").read_text()
    assert build(folder) != EXIT_DONE
