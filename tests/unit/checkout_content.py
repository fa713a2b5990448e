"""A checkout with a few files, and what a release would take from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deployer.image.content import Content, Wanted, collect

WEB = "services:\n  web:\n    image: a\n"


def put(root: Path, path: str, text: str = "x") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def gather(root: Path, *files: str, compose: Sequence[str] = ("docker-compose.yml",), **more: Any) -> Content:
    return collect(root, Wanted(compose_files=compose, files=files, **{"has_environment": True, **more}))
