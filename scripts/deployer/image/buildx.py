"""Builds carried out by buildx: one image by `build`, those of several services by `bake`, and the digests they get."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deployer.core.errors import Refused
from deployer.image import bake
from deployer.image.bake import Sections
from deployer.image.build import Build, arguments
from deployer.image.builder import Builder
from deployer.image.registry import DIGEST_PATTERN

Say = Callable[[str], None]


def build_one(builder: Builder, build: Build, say: Say) -> str:
    """The digest buildx reports, "" where it does not or where nothing is pushed."""
    with tempfile.TemporaryDirectory(prefix="build-") as folder:
        metadata = Path(folder) / "metadata.json"
        builder.docker.stream(["buildx", *arguments(build, str(metadata), builder.can_attest)], say)
        return _digest_of(_read(metadata))


def build_several(
    builder: Builder, builds: Sequence[Build], sections: Sections, project: str, say: Say
) -> dict[str, str]:
    """The digest buildx reports for each service; relative paths in compose files count from the folder `project`."""
    with tempfile.TemporaryDirectory(prefix="bake-") as folder:
        metadata = Path(folder) / "metadata.json"
        files = [_written(Path(folder) / f"compose-{number}.yml", body) for number, body in enumerate(sections.files)]
        settled = [bake.settled(each, os.environ) for each in builds]
        files.append(_written(Path(folder) / "definition.json", bake.definition(settled, builder.can_attest)))
        words = bake.arguments(files, settled, metadata)
        if settled[0].ssh and "--allow" in builder.docker.answer(["buildx", "bake", "--help"], "buildx has no bake"):
            words.insert(1, "--allow=ssh")  # newer ones ask before a definition may use keys
        builder.docker.stream(["buildx", *words], say, project)
        reported = _read(metadata)
        return {each.service: _digest_of(reported.get(bake.target(each.service))) for each in builds}


def _written(path: Path, body: bytes) -> Path:
    path.write_bytes(body)
    return path


def _read(metadata: Path) -> dict[str, Any]:
    try:
        found = json.loads(metadata.read_bytes())
    except (OSError, ValueError) as error:
        raise Refused("docker buildx wrote no metadata", "update buildx: docker buildx version") from error
    return found if isinstance(found, dict) else {}


def _digest_of(reported: Any) -> str:
    digest = reported.get("containerimage.digest", "") if isinstance(reported, dict) else ""
    return digest if isinstance(digest, str) and re.fullmatch(DIGEST_PATTERN, digest) else ""
