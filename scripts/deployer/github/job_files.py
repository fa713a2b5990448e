"""The files a GitHub Actions job hands to its steps: outputs, variables for later steps, the job summary."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping

from deployer.core.errors import DeployError

SUMMARY_LIMIT = 1024 * 1024
"""Bytes of one step's summary; GitHub drops the whole summary of a step that goes over it."""

_CUT = "\n\n…the rest does not fit into a job summary (1 MiB); the log has all of it.\n"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def append_values(path: str, values: Mapping[str, str]) -> None:
    """Adds name-value pairs to GITHUB_OUTPUT or GITHUB_ENV; raises DeployError if it cannot be written.

    Every value goes between two delimiters nobody can guess, so no value can smuggle in another pair.
    """
    _append(path, "".join(_pair(name, value) for name, value in values.items()))


def append_summary(path: str, markdown: str) -> None:
    """Adds Markdown to GITHUB_STEP_SUMMARY, cut where GitHub's limit of 1 MiB would be passed."""
    used = os.path.getsize(path) if os.path.exists(path) else 0
    text = markdown.rstrip("\n").encode() + b"\n"
    room = SUMMARY_LIMIT - used
    if len(text) > room:
        text = text[: max(0, room - len(_CUT.encode()))]
        text = text + _CUT.encode() if room >= len(_CUT.encode()) else b""
    _append(path, text.decode(errors="ignore"))


def _pair(name: str, value: str) -> str:
    delimiter = f"deployer_{secrets.token_hex(16)}"
    if delimiter in value:
        raise DeployError(f"the value of {name} contains its own delimiter", "run again: the delimiter is random")
    if not _NAME.fullmatch(name):
        raise DeployError(
            f"{name!r} cannot name an output or a variable of a job", "it has letters, digits, `_` and `-` only"
        )
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _append(path: str, text: str) -> None:
    try:
        with open(path, "a", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise DeployError(
            f"cannot write {path}: {error.strerror}", "the runner names this file in the job's environment"
        ) from error
