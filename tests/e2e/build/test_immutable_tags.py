"""A registry whose tags never move: a second run ends as the first one did, whatever that one left undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.core.errors import EXIT_DONE, EXIT_FAILED
from deployer.image.reference import parse
from deployer.image.registry import Registries
from localcloud.registry import Registry
from tests.e2e.build.building import SHA, answer, build
from tests.e2e.build.immutable_registry import immutable


@pytest.fixture(params=["engine", "modern"])
def address(request: pytest.FixtureRequest, registry: Registry) -> Iterator[str]:
    """Reached by the machine's own engine, and by the one with the containerd image store."""
    request.getfixturevalue(request.param)
    with immutable(registry) as address:
        yield address


def named(address: str, name: str) -> str:
    """A name of its own for each engine: they share the registry."""
    return f"{address}/immutable/{name}-{address.partition(':')[2]}"


def test_second_run_has_the_digest_of_the_first(
    address: str, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = named(address, "again")
    assert build(name, "--version=v1") == EXIT_DONE
    first = answer(capsys)
    (checkout / "index.html").write_text("changed since")
    assert build(name, "--version=v1") == EXIT_DONE
    assert answer(capsys) == first


@pytest.mark.usefixtures("checkout")
def test_next_attempt_of_the_same_commit_leaves_its_tag_alone(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = named(address, "attempts")
    digests = []
    for version in ("20261127.3.1-0123456", "20261127.3.2-0123456"):
        assert build(name, f"--version={version}") == EXIT_DONE
        digests.append(answer(capsys)["digest"])
    registries = Registries(lambda _: None)
    assert registries.digest(parse(f"{name}:sha-{SHA}")) == digests[0]
    assert registries.digest(parse(f"{name}:20261127.3.2-0123456")) == digests[1]


@pytest.mark.usefixtures("checkout")
def test_tag_that_was_to_move_costs_that_tag_alone(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = named(address, "moving")
    assert build(name, "--version=v1", "--extra-tags=latest") == EXIT_DONE
    first = answer(capsys)["digest"]
    assert build(name, "--version=v2", "--extra-tags=latest", "--build-args=PAGE=two") == EXIT_DONE
    output = capsys.readouterr()
    registries = Registries(lambda _: None)
    assert json.loads(output.out)["digest"] == registries.digest(parse(f"{name}:v2")) != first
    assert registries.digest(parse(f"{name}:latest")) == first
    assert "v2 is pushed, some other tag may not be" in output.err


def test_version_of_another_commit_is_refused_with_the_way_out(
    address: str, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = named(address, "taken")
    assert build(name, "--version=v1") == EXIT_DONE
    capsys.readouterr()
    (checkout / "index.html").write_text("another commit")
    assert build(name, "--version=v1", GITHUB_SHA="f" * 40) == EXIT_FAILED
    said = json.loads(capsys.readouterr().out)
    ecr, containerd = "cannot be overwritten because the repository is immutable", "/manifests/v1: 400 Bad Request"
    assert ecr in said["error"] or containerd in said["error"]
    assert "another `version`" in said["fix"]
