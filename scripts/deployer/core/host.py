"""What an instance says of itself when asked for its status: what is installed there, and what it can read."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

PREFIX = "host: "
READABLE = "readable"


@dataclass(frozen=True)
class Host:
    """Versions as the programs say them, "" for one that is not there; of docker the engine's, if it answers."""

    docker: str = ""
    compose: str = ""
    aws: str = ""
    parameters: str = ""
    """READABLE, what AWS answered instead, or "" where nobody asked."""


def find_host(stdout: str) -> Host | None:
    """The host line in a command's output; None where there is none, as from an older document."""
    for line in stdout.splitlines():
        if line.startswith(PREFIX):
            return _host(line[len(PREFIX) :])
    return None


def _host(text: str) -> Host | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return Host(**{each.name: str(found.get(each.name, "")) for each in fields(Host)})
