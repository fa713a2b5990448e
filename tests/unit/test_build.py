"""The command line of a build, and the inputs that never become one."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.core.errors import BadInput, Refused
from deployer.image.build import Build, arguments
from deployer.image.build_check import check
from deployer.image.docker import Docker, own_config

IMAGE = "registry.example.com/orange"
BUILD = Build(image=IMAGE, tags=("v1", "sha-abc"))


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(folder)
    return folder


def test_plain_build_pushes_every_tag() -> None:
    assert arguments(BUILD, "m.json", can_attest=True) == [
        "build",
        "--progress=plain",
        "--metadata-file=m.json",
        f"--tag={IMAGE}:v1",
        f"--tag={IMAGE}:sha-abc",
        "--provenance=mode=min",
        "--push",
        "--",
        ".",
    ]


def test_every_input_reaches_docker() -> None:
    build = replace(
        BUILD,
        context="app",
        dockerfile="app/Dockerfile.prod",
        target="web",
        platforms=("linux/amd64", "linux/arm64"),
        build_args=("A=1", "B=x y"),
        secrets=("id=npm,env=NPM_TOKEN",),
        ssh=("default",),
        labels={"org.opencontainers.image.version": "v1"},
        sbom=True,
    )
    words = arguments(build, "m.json", can_attest=True)
    assert words[-2:] == ["--", "app"]
    for word in (
        "--file=app/Dockerfile.prod",
        "--target=web",
        "--platform=linux/amd64,linux/arm64",
        "--build-arg=A=1",
        "--build-arg=B=x y",
        "--secret=id=npm,env=NPM_TOKEN",
        "--ssh=default",
        "--label=org.opencontainers.image.version=v1",
        "--sbom=true",
    ):
        assert word in words


@pytest.mark.parametrize(
    ("asked", "can_attest", "word"),
    [
        ("", True, "--provenance=mode=min"),
        ("", False, "--provenance=false"),
        ("max", True, "--provenance=mode=max"),
        ("false", True, "--provenance=false"),
    ],
)
def test_provenance(asked: str, can_attest: bool, word: str) -> None:
    assert word in arguments(replace(BUILD, provenance=asked), "m.json", can_attest)


def test_build_without_push_pushes_nothing() -> None:
    assert "--push" not in arguments(replace(BUILD, push=False), "m.json", can_attest=True)


def caches(build: Build) -> list[str]:
    return [each for each in arguments(build, "m.json", can_attest=True) if each.startswith("--cache")]


def test_registry_cache_has_a_tag_of_its_own() -> None:
    assert caches(replace(BUILD, cache="registry")) == [
        f"--cache-from=type=registry,ref={IMAGE}:buildcache",
        f"--cache-to=type=registry,ref={IMAGE}:buildcache,mode=max,"
        "image-manifest=true,oci-mediatypes=true,ignore-error=true",
    ]


def test_registry_cache_may_be_an_image_of_its_own() -> None:
    build = replace(BUILD, cache="registry", cache_ref="registry.example.com/cache:orange")
    assert all("ref=registry.example.com/cache:orange" in each for each in caches(build))


def test_local_cache_is_read_once_it_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "layers"
    build = replace(BUILD, cache="local", cache_folder=str(folder))
    write = f"--cache-to=type=local,dest={folder},mode=max"
    assert caches(build) == [write]
    folder.mkdir()
    assert caches(build) == [write]
    (folder / "index.json").touch()
    assert caches(build) == [f"--cache-from=type=local,src={folder}", write]


def test_no_cache_says_nothing() -> None:
    assert caches(BUILD) == []


def test_github_cache_needs_what_only_javascript_actions_get() -> None:
    build = replace(BUILD, cache="gha")
    with pytest.raises(BadInput, match="ACTIONS_RUNTIME_TOKEN"):
        check(build, {})
    check(build, {"ACTIONS_RUNTIME_TOKEN": "t", "ACTIONS_RESULTS_URL": "https://results"})
    assert caches(build) == ["--cache-from=type=gha", "--cache-to=type=gha,mode=max,ignore-error=true"]


@pytest.mark.parametrize(
    "build",
    [
        replace(BUILD, secrets=("id=npm,env=NPM_TOKEN", "id=key,src=Dockerfile", "id=NPM_TOKEN")),
        replace(BUILD, build_args=("A=1\n2", "FROM_ENVIRONMENT", "a.b=c")),
        replace(BUILD, context="https://github.com/awesomeorange/orange.git#main"),
        replace(BUILD, context="git@github.com:awesomeorange/orange.git"),
        replace(BUILD, platforms=("linux/arm/v7",)),
        replace(BUILD, ssh=("key=Dockerfile",)),
    ],
)
def test_inputs_that_are_fine(build: Build) -> None:
    check(build, {"NPM_TOKEN": "t", "FROM_ENVIRONMENT": ""})


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (replace(BUILD, tags=("v1", "registry.example.com/orange:latest")), "extra-tags"),
        (replace(BUILD, platforms=("amd64",)), "platforms"),
        (replace(BUILD, build_args=("1A=x",)), "build-args"),
        (replace(BUILD, build_args=("FEATURES=auth", "billing")), "billing without a value, .*set nowhere"),
        (replace(BUILD, cache="inline"), "cache"),
        (replace(BUILD, provenance="yes"), "provenance"),
        (replace(BUILD, context="none"), "context"),
        (replace(BUILD, dockerfile="none/Dockerfile"), "none/Dockerfile"),
        (replace(BUILD, secrets=("env=NPM_TOKEN",)), "no id"),
        (replace(BUILD, secrets=("id=npm,env=NPM_TOKEN",)), "NPM_TOKEN, which is not set"),
        (replace(BUILD, secrets=("id=npm,src=none",)), "none, which is no file"),
        (replace(BUILD, secrets=("id=npm",)), "npm has no source"),
        (replace(BUILD, secrets=("id=a,id=b",)), "twice"),
        (replace(BUILD, ssh=("default",)), "SSH_AUTH_SOCK is not set"),
        (replace(BUILD, ssh=("key=none",)), "none, which is not there"),
        (replace(BUILD, cache_ref="registry.example.com/cache"), "cache is none"),
        (replace(BUILD, cache="registry", cache_ref=f"cache@sha256:{'0' * 64}"), "cache-ref has a digest"),
    ],
)
def test_bad_input_never_reaches_docker(build: Build, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        check(build, {})


@pytest.mark.parametrize("build", [replace(BUILD, secrets=("hunter 2",)), replace(BUILD, ssh=("hunter 2",))])
def test_bad_secret_is_not_shown(build: Build) -> None:
    with pytest.raises(BadInput) as refusal:
        check(build, {})
    assert "hunter" not in str(refusal.value)


def test_login_that_is_refused_says_what_to_check(tmp_path: Path) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\necho unauthorized >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    with pytest.raises(Refused, match=r"ghcr\.io does not accept the login of user: unauthorized") as refusal:
        Docker({"PATH": str(tmp_path)}).login("ghcr.io", "user", "wr0ng")
    assert "registry-password" in refusal.value.fix
    assert "wr0ng" not in str(refusal.value)


def test_login_is_kept_apart_from_the_users_docker(tmp_path: Path) -> None:
    home = tmp_path / "docker"
    (home / "cli-plugins").mkdir(parents=True)
    theirs = {"credsStore": "desktop", "auths": {"ghcr.io": {"auth": "x"}}, "currentContext": "remote"}
    (home / "config.json").write_text(json.dumps(theirs))
    environment = {"DOCKER_CONFIG": str(home), "RUNNER_TEMP": str(tmp_path)}
    with own_config(environment, ["docker.io"]) as inside:
        folder = Path(inside["DOCKER_CONFIG"])
        assert folder.parent == tmp_path
        assert (folder / "cli-plugins").resolve() == home / "cli-plugins"
        assert json.loads((folder / "config.json").read_text()) == {
            **theirs,
            "credHelpers": {"https://index.docker.io/v1/": ""},
        }
        assert (folder / "config.json").stat().st_mode & 0o777 == 0o600
    assert not folder.exists()
    assert json.loads((home / "config.json").read_text()) == theirs
    assert (home / "cli-plugins").is_dir()


def test_login_works_where_docker_was_never_configured(tmp_path: Path) -> None:
    with own_config({"HOME": str(tmp_path)}, ["ghcr.io"]) as inside:
        config = json.loads((Path(inside["DOCKER_CONFIG"]) / "config.json").read_text())
    assert config == {"credHelpers": {"ghcr.io": ""}}


@pytest.mark.parametrize(
    ("said", "is_login"),
    [
        ("ERROR: failed to push r.io/a:v1: denied: requested access to the resource is denied", True),
        ("ERROR: pull access denied, repository does not exist or may require authorization", True),
        ("ERROR: denied: permission_denied: write_package", True),
        ("denied: Your authorization token has expired. Reauthenticate and try again.", True),
        ("ERROR: unexpected status from HEAD request to https://r.io/v2/a/blobs/sha256:0: 403 Forbidden", True),
        ("ERROR: failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized", True),
        ("unauthorized: authentication required", True),
        ("no basic auth credentials", True),
        ("0.284 /bin/sh: ./mvnw: Permission denied", False),
        ("#7 sha256:f0b1403c9a401ee2d403 5.1MB / 5.1MB done", False),
        ("npm ERR! 403 Forbidden - GET https://npm.example.com/x", False),
        ("PermissionError: [Errno 13] Permission denied: '/x'", False),
    ],
)
def test_a_registry_that_refuses_is_told_from_a_program_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, is_login: bool
) -> None:
    (tmp_path / "docker").write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(Refused) as refusal:
        Docker(os.environ).stream(["buildx", "build"], lambda _: None)
    assert ("registry-username" in refusal.value.fix) == is_login
