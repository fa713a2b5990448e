"""The lines a GitHub Actions runner reads from a step's output: `::error title=…::message` and its kin.

Source: GitHub's "Workflow commands for GitHub Actions"; the escapes are the runner's own (ActionCommand).
"""

from __future__ import annotations

import re

_LINE_END = re.compile(r"\r\n|\r|\n")
_RUNNER_WOULD_OBEY = re.compile(r"^\s*::|##\[")


def command(name: str, message: str = "", **properties: str) -> str:
    """One workflow command, on one line whatever its message holds."""
    pairs = ",".join(f"{key}={_escape_property(value)}" for key, value in properties.items() if value)
    return f"::{name}{' ' if pairs else ''}{pairs}::{_escape(message)}"


def lines_of(text: str) -> list[str]:
    """The lines of `text` as the runner would split them."""
    return _LINE_END.split(text)


def harmless(line: str) -> str:
    """`line` so that the runner shows it and obeys nothing in it: instances must not give commands."""
    if not _RUNNER_WOULD_OBEY.search(line):
        return line
    return "| " + line.replace("##[", "## [")


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
