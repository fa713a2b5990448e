"""docker without buildx, as on servers whose docker is old: its plain builder does what it can."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from deployer.core.errors import EXIT_BAD_INPUT, EXIT_DONE
from deployer.image.reference import parse
from deployer.image.registry import Registries
from localcloud.registry import Registry
from tests.e2e.build.building import SHA, answer, build, config_of

DOCKER = """\
#!/bin/sh
# docker as it is where the plugin is missing
if [ "$1" = buildx ]; then echo "docker: 'buildx' is not a docker command." >&2; exit 1; fi
DOCKER_BUILDKIT=0 exec {docker} "$@"
"""


@pytest.fixture(autouse=True)
def without_buildx(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = checkout.parent / "programs"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER.format(docker=shutil.which("docker")))
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


def test_image_is_built_pushed_and_found_again(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{registry.address}/plain/orange"
    assert build(name, "--version=v1", "--extra-tags=latest", "--build-args=PAGE=one") == EXIT_DONE
    said = answer(capsys)
    registries = Registries(lambda _: None)
    assert {registries.digest(parse(f"{name}:{tag}")) for tag in ("v1", f"sha-{SHA}", "latest")} == {said["digest"]}
    labels = config_of(said["image"])["config"]["Labels"]
    assert labels["page"] == "one"
    assert labels["org.opencontainers.image.revision"] == SHA
    assert build(name, "--version=v1") == EXIT_DONE
    assert answer(capsys)["digest"] == said["digest"]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--secrets=id=PATH",), "no secrets"),
        (("--platforms=linux/amd64,linux/arm64", "--sbom=true"), "no several platforms, no sbom"),
        (("--cache=registry",), "no cache: registry"),
    ],
)
def test_what_takes_buildx_is_named(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], named: str) -> None:
    assert build("localhost:1/plain/orange", "--version=v1", "--push=false", *words) == EXIT_BAD_INPUT
    said = answer(capsys)
    assert named in said["error"]
    assert "install buildx" in said["fix"]
