"""`build` as a job calls it, and what a registry then holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests

from deployer import cli
from deployer.image.registry import ACCEPT
from localcloud.engine_command import EngineError, docker
from localcloud.registry import Registry

SHA = "0123456789abcdef0123456789abcdef01234567"
RUN = {
    "GITHUB_SHA": SHA,
    "GITHUB_REPOSITORY": "awesomeorange/orange",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_RUN_NUMBER": "3",
    "GITHUB_RUN_ATTEMPT": "1",
}


def build(image: str, *more: str, **environment: str) -> int:
    return cli.main(["build", "--json", f"--image={image}", *more], {**RUN, **environment})


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    said: dict[str, str] = json.loads(capsys.readouterr().out)
    return said


def images_of(said: dict[str, str]) -> dict[str, str]:
    """The output `images` by service."""
    return dict(line.split("=", 1) for line in said["images"].splitlines())


def forget_images(registry: Registry) -> None:
    """Takes what was built for a registry out of the engine."""
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{registry.address}/*/*").split()
    digests = docker("image", "ls", "--quiet", f"{registry.address}/*/*").split()
    for each in {*names, *digests}:
        with suppress(EngineError):  # the last name of an image takes its id along
            docker("image", "rm", "--force", each)


def fetched(image: str, kind: str, digest: str) -> bytes:
    """A manifest or a blob of a repository (HOST/NAME) on loopback."""
    host, _, name = image.partition("/")
    answered = requests.get(f"http://{host}/v2/{name}/{kind}/{digest}", headers={"Accept": ACCEPT}, timeout=20)
    answered.raise_for_status()
    return answered.content


def manifests(pinned: str) -> Iterator[dict[str, Any]]:
    """The manifests of an image (name@digest): its own, or with its index those of every platform and attestation."""
    image, _, digest = pinned.partition("@")
    top = json.loads(fetched(image, "manifests", digest))
    if "manifests" not in top:
        yield top
        return
    yield top
    for each in top["manifests"]:
        yield json.loads(fetched(image, "manifests", each["digest"]))


def blobs(pinned: str) -> Iterator[bytes]:
    """Every blob of an image: configurations (with the history) and layers."""
    image = pinned.partition("@")[0]
    for manifest in manifests(pinned):
        for each in (manifest.get("config"), *manifest.get("layers", ())):
            if each:
                yield fetched(image, "blobs", each["digest"])


def config_of(pinned: str) -> dict[str, Any]:
    """The configuration of an image's first platform."""
    manifest = next(each for each in manifests(pinned) if "config" in each)
    config: dict[str, Any] = json.loads(fetched(pinned.partition("@")[0], "blobs", manifest["config"]["digest"]))
    return config
