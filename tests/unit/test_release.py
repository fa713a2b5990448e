"""The documents of a release: exact fields and order, strict reading, what counts as the same content."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from deployer.core import keys
from deployer.core.errors import BadInput, DeployError
from deployer.core.release import (
    Desired,
    EnvironmentSource,
    Git,
    Health,
    Release,
    ReleaseFile,
    ReleaseRef,
    Run,
    Script,
    is_safe_path,
    sha256_of,
)
from deployer.core.sameness import differences

DIGEST = "sha256:" + "a" * 64
HASH = sha256_of(b"services: {}\n")
RELEASE = Release(
    app="orange",
    version="v1",
    created_at="2026-11-24T12:00:00Z",
    git=Git("0123456789abcdef0123456789abcdef01234567", "refs/heads/main", "awesomeorange/orange"),
    run=Run("7", "1", "https://github.com/awesomeorange/orange/actions/runs/7", "octocat"),
    images={"web": f"registry.example.com/orange@{DIGEST}"},
    environment=EnvironmentSource("/orange/env:3", "../.env"),
    compose=("docker-compose.yml",),
    health=Health("http://localhost:8080/health"),
    files=(ReleaseFile("docker-compose.yml", HASH, 13), ReleaseFile("conf/a.yml", HASH, 13)),
    activate=Script("activate", HASH),
)
DESIRED = Desired(4, "v2", HASH, ReleaseRef("v1", HASH), "2026-11-24T12:00:00Z", "run 7")


def as_dict(release: Release | Desired) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(release.to_json())
    return document


def test_manifest_has_the_fields_of_the_contract_in_their_order() -> None:
    document = as_dict(RELEASE)
    assert list(document) == [
        "schema", "app", "version", "created_at", "git", "run", "images", "environment", "compose", "health",
        "files", "activate",
    ]  # fmt: skip
    assert document["schema"] == 1
    assert list(document["git"]) == ["sha", "ref", "repository"]
    assert list(document["run"]) == ["id", "attempt", "url", "actor"]
    assert document["environment"] == {"parameters": "/orange/env:3", "file": "../.env"}
    assert list(document["health"]) == ["url", "status", "timeout", "successes"]
    assert document["files"][0] == {"path": "docker-compose.yml", "sha256": HASH, "size": 13}
    assert document["activate"] == {"path": "activate", "sha256": HASH}
    with_login = as_dict(replace(RELEASE, registries={"docker.io": "/orange/dockerhub"}))
    assert list(with_login) == [*document, "registries"]
    assert with_login["registries"] == {"docker.io": "/orange/dockerhub"}


def test_desired_has_the_fields_of_the_contract_in_their_order() -> None:
    document = as_dict(DESIRED)
    assert list(document) == [
        "schema", "generation", "version", "manifest_sha256", "previous", "updated_at", "updated_by",
    ]  # fmt: skip
    assert document["previous"] == {"version": "v1", "manifest_sha256": HASH}


def test_documents_are_indented_utf8_and_end_with_a_newline() -> None:
    body = replace(RELEASE, run=Run(actor="Zoë")).to_json()
    assert body.startswith(b'{\n  "schema": 1,\n')
    assert body.endswith(b"}\n")
    assert "Zoë".encode() in body


def test_what_was_written_reads_back_equal() -> None:
    assert Release.from_json(RELEASE.to_json()) == RELEASE
    assert Desired.from_json(DESIRED.to_json()) == DESIRED
    private = replace(RELEASE, registries={"docker.io": "/orange/dockerhub"})
    assert Release.from_json(private.to_json()) == private
    first = replace(DESIRED, previous=None)
    assert Desired.from_json(first.to_json()) == first


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"schema": 2}, "schema 2"),
        ({"schema": True}, "schema"),
        ({"version": "a/b"}, "version"),
        ({"app": ""}, "app"),
        ({"images": {"web": "orange:latest"}}, "orange:latest"),
        ({"images": {"web": 1}}, "images"),
        ({"compose": []}, "no compose file"),
        ({"compose": ["other.yml"]}, "other.yml"),
        ({"compose": "docker-compose.yml"}, "compose"),
        ({"files": [{"path": "../x", "sha256": HASH, "size": 1}]}, "../x"),
        ({"files": [{"path": "a", "sha256": "zz", "size": 1}]}, r"files\[0\]"),
        ({"files": [{"path": "a", "sha256": HASH, "size": -1}]}, "size"),
        ({"files": [{"path": "a", "sha256": HASH, "size": 1, "mode": "777"}]}, "mode"),
        ({"profiles": "debug"}, "profiles"),
        ({"files": 1}, "files"),
        ({"health": None}, "health"),
        ({"environment": {"parameters": "", "file": "../../.env"}}, "../../.env"),
        ({"activate": {"path": "/bin/sh", "sha256": HASH}}, "/bin/sh"),
        ({"registries": {"hub": "/login"}}, "hub"),
        ({"registries": {"docker.io": "/lo gin"}}, "/lo gin"),
        ({"registries": None}, "registries"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_damaged_manifest_is_refused_naming_what_is_wrong(change: dict[str, object], named: str) -> None:
    body = json.dumps({**as_dict(RELEASE), **change}).encode()
    with pytest.raises(DeployError, match=named):
        Release.from_json(body)


@pytest.mark.parametrize("field", list(as_dict(RELEASE)))
def test_manifest_with_a_field_missing_is_refused_naming_it(field: str) -> None:
    document = as_dict(RELEASE)
    del document[field]
    with pytest.raises(DeployError, match=f"no `{field}`"):
        Release.from_json(json.dumps(document).encode())


def test_the_same_path_twice_is_refused() -> None:
    twice = replace(RELEASE, files=(*RELEASE.files, RELEASE.files[0]))
    with pytest.raises(DeployError, match="there twice"):
        Release.from_json(twice.to_json())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_document_is_refused(body: bytes) -> None:
    with pytest.raises(DeployError, match=r"release\.json"):
        Release.from_json(body)


def test_same_content_from_another_run_and_commit_is_the_same_release() -> None:
    again = replace(RELEASE, created_at="2027-01-01T00:00:00Z", git=Git(), run=Run())
    assert differences(RELEASE, again) == ()


def test_every_difference_in_content_is_named() -> None:
    other = replace(
        RELEASE,
        images={"db": f"postgres@{DIGEST}"},
        environment=EnvironmentSource("/orange/env:4", "../.env"),
        health=Health(status=204),
        files=(ReleaseFile("docker-compose.yml", sha256_of(b"x"), 1), ReleaseFile("new.yml", HASH, 13)),
        activate=Script("activate", sha256_of(b"x")),
        registries={"docker.io": "/orange/dockerhub"},
    )
    assert differences(RELEASE, other) == (
        "image of db is new",
        "image of web is gone",
        "file conf/a.yml is gone",
        "file docker-compose.yml differs",
        "file new.yml is new",
        "environment differs",
        "health differs",
        "activate differs",
        "registries differs",
    )


@pytest.mark.parametrize("path", ["a", "a/b.yml", ".env", "..a/b", "a b", "é"])
def test_paths_below_the_root(path: str) -> None:
    assert is_safe_path(path)


@pytest.mark.parametrize("path", ["", "/", "/a", "..", "../a", "a/../b", "./a", "a//b", "a/", "a\nb", "a\\b", "a\x00"])
def test_paths_that_are_refused(path: str) -> None:
    assert not is_safe_path(path)


def test_keys_are_those_of_the_contract() -> None:
    assert keys.release("orange", "v1") == "orange/releases/v1/release.json"
    assert keys.release("orange", "v1", "conf/a.yml") == "orange/releases/v1/conf/a.yml"
    assert keys.desired("orange", "prod") == "orange/groups/prod/desired.json"
    assert keys.lease("orange", "prod") == "orange/groups/prod/lease.json"
    assert keys.record("orange", "prod", 42) == "orange/groups/prod/rollouts/0000000042.json"


@pytest.mark.parametrize("app", ["", "a/b", "-a", "a.b", "x" * 64])
def test_application_names_that_are_refused(app: str) -> None:
    with pytest.raises(BadInput, match="application"):
        keys.check_app(app)
