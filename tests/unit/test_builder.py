"""Which builder is taken, against a `docker` that answers as one would and notes what it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.core.errors import Refused
from deployer.image.build import Build
from deployer.image.builder import builder_for
from deployer.image.docker import Docker

DOCKER = """\
#!/bin/sh
echo "${{BUILDX_BUILDER:-default}}: $*" >>{folder}/asked
case $* in
  "buildx inspect")
    if [ -n "$BUILDX_BUILDER" ]; then echo "Driver: docker-container"; exit; fi
    printf 'Name: default\\nDriver: {driver}\\n\\nPlatforms: linux/amd64, linux/amd64/v2*, linux/386\\n' ;;
  "info "*) echo '{status}' ;;
  "buildx create"*) {create} ;;
esac
"""
STORE = '[["driver-type","io.containerd.snapshotter.v1"]]'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def a_docker(folder: Path, driver: str = "docker", status: str = "null", create: str = "exit 0") -> Docker:
    (folder / "docker").write_text(DOCKER.format(folder=folder, driver=driver, status=status, create=create))
    (folder / "docker").chmod(0o755)
    return Docker({"PATH": f"{folder}:/usr/bin:/bin"})


def asked(folder: Path) -> list[str]:
    return [line.partition(": ")[2].split(" --")[0] for line in (folder / "asked").read_text().splitlines()]


def a_build(platforms: Sequence[str] = (), cache: str = "none", provenance: str = "", sbom: bool = False) -> Build:
    return Build("i", ("v1",), platforms=tuple(platforms), cache=cache, provenance=provenance, sbom=sbom)


@pytest.mark.parametrize(
    ("driver", "status", "build"),
    [
        ("docker", "null", a_build()),
        ("docker", "null", a_build(["linux/386"], provenance="false")),
        ("docker", STORE, a_build(["linux/amd64", "linux/386"], "registry", "max", sbom=True)),
        ("kubernetes", "null", a_build(["linux/amd64", "linux/arm64"], "registry", "max", sbom=True)),
    ],
)
def test_builder_at_hand_is_taken_where_it_can(folder: Path, driver: str, status: str, build: Build) -> None:
    with builder_for(a_docker(folder, driver, status), [build], print) as builder:
        assert builder.can_attest == (driver != "docker" or status == STORE)
    assert "buildx create" not in " ".join(asked(folder))


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (a_build(sbom=True), "sbom"),
        (a_build(provenance="max"), "provenance: max"),
        (a_build(["linux/amd64", "linux/386"]), "several platforms"),
        (a_build(cache="registry"), "cache: registry"),
    ],
)
def test_another_one_is_made_and_taken_away_again(folder: Path, build: Build, named: str) -> None:
    said: list[str] = []
    with builder_for(a_docker(folder), [build], said.append) as builder:
        assert (builder.driver, builder.can_attest) == ("docker-container", True)
        builder.docker.answer(["build"], "")
    assert [named in line for line in said] == [True]
    assert asked(folder)[-4:] == ["buildx create", "buildx inspect", "build", "buildx rm"]
    lines = (folder / "asked").read_text().splitlines()
    name = lines[-4].partition("--name ")[2].split()[0]
    assert lines[-2] == f"{name}: build"
    assert lines[-1] == f"default: buildx rm --force {name}"


@pytest.mark.parametrize(("image", "shared"), [("localhost:5000/i", True), ("registry.example.com/i", False)])
def test_the_machines_network_is_shared_only_to_reach_its_registry(folder: Path, image: str, shared: bool) -> None:
    build = replace(a_build(sbom=True), image=image)
    with builder_for(a_docker(folder), [build], print):
        pass
    assert ("network=host" in (folder / "asked").read_text()) == shared


def test_the_one_that_was_made_goes_also_when_the_build_fails(folder: Path) -> None:
    docker = a_docker(folder)
    with pytest.raises(ValueError, match="built"), builder_for(docker, [a_build(sbom=True)], print):
        raise ValueError("built")
    assert asked(folder)[-1] == "buildx rm"


def test_where_none_can_be_made_it_says_what_for_and_what_to_do(folder: Path) -> None:
    docker = a_docker(folder, create="echo 'no such host' >&2; exit 1")
    with (
        pytest.raises(Refused, match=r"cannot do cache: registry.*no such host") as refusal,
        builder_for(docker, [a_build(cache="registry")], print),
    ):
        pass
    assert "buildx create --use" in refusal.value.fix
    assert asked(folder)[-1] == "buildx rm"


def test_without_emulators_the_build_is_tried_all_the_same(folder: Path) -> None:
    said: list[str] = []
    docker = a_docker(folder, status=STORE, create="exit 1")
    with builder_for(docker, [a_build(["linux/amd64", "linux/arm64"])], said.append) as builder:
        assert builder.driver == "docker"
    assert "runs no programs of linux/arm64" in said[-1]
