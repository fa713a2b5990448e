"""What the clouds of a run let out, kept where DIRECTORY names a place for it, so that it can be searched for secrets.

Everything a person, a log or another program could come to see: what scripts print, what consoles show, what is sent to
instances, what lies in the bucket, with which words programs were called.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

DIRECTORY = "LOCALCLOUD_OUTPUTS"
"""The environment variable that names the directory; a file in it for each kind and process."""


def wanted() -> bool:
    """Whether anything is kept."""
    return bool(os.environ.get(DIRECTORY))


def keep(kind: str, *texts: str) -> None:
    """Adds to what was let out of this kind."""
    if wanted():
        with _file(kind).open("a", encoding="utf-8") as file:
            file.write("\n".join((*texts, "")))


def keep_objects(objects: Iterable[tuple[str, bytes]]) -> None:
    """Adds what lies in a bucket, by key."""
    if wanted():
        for key, body in objects:
            keep("objects", key, body.decode(errors="replace"))


def noting(kind: str) -> str:
    """A line of sh that keeps the words its script was called with; empty where nothing is kept."""
    return f'printf "%s\\n" "$0 $*" >>{shlex.quote(str(_file(kind)))}' if wanted() else ""


def _file(kind: str) -> Path:
    return Path(os.environ[DIRECTORY]) / f"{kind}.{os.getpid()}"
