"""A version that is in its registry already, from the same commit: nothing is built, and what differs is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from deployer import cli
from deployer.commands.wanted_images import REVISION
from deployer.core.errors import EXIT_DONE
from tests.cloud.registry_stub import RegistryStub, running

SHA = "a" * 40


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where no docker is: one that is called ends the build."""
    for name in [each for each in os.environ if each.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_tags_that_another_image_has_are_not_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    with running(RegistryStub()) as stub:
        digest = stub.add("orange", "v1", {REVISION: SHA})
        stub.add("orange", "latest", {REVISION: "b" * 40})
        stub.objects["orange/manifests/stable"] = stub.objects["orange/manifests/v1"]
        image = f"{stub.host}/orange"
        words = ["build", "--json", f"--image={image}", "--version=v1", "--extra-tags=latest,stable,new"]

        assert cli.main(words, {"GITHUB_SHA": SHA}) == EXIT_DONE

    output = capsys.readouterr()
    assert json.loads(output.out)["image"] == f"{image}@{digest}"
    warned = [line for line in output.err.splitlines() if line.startswith("warning: extra-tags: ")]
    assert [each.split()[2] for each in warned] == [f"{image}:latest", f"{image}:new"]
    assert f"imagetools create --tag {image}:latest {image}@{digest}" in warned[0]
