"""The marker: the one line by which an instance proves what it runs (docs/contracts.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

PREFIX = "deployer: "
MAX_LENGTH = 1500  # characters; the listing of a command's invocations keeps 2,500 of its output (SSM)
OUTCOMES = frozenset({"activated", "unchanged", "restored", "failed", "fenced"})


@dataclass(frozen=True)
class Marker:
    """`version`, `generation` and `manifest_sha256` say what runs on the instance now ("" and 0: nothing).

    `parameters`: the version of the Parameter Store parameter its environment was read from, of a path a fingerprint
    of names and versions; "" where the release has none, and from an `activate` that did not say yet.
    """

    outcome: str
    version: str
    generation: int
    manifest_sha256: str
    reason: str = ""
    parameters: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)

    def proves(self, version: str, manifest_sha256: str, generation: int) -> bool:
        """True if the instance runs exactly this release and was told so in this generation.

        Version "" asks for an instance that runs nothing, and nothing has no generation.
        """
        if self.outcome not in ("activated", "unchanged") or self.version != version:
            return False
        return not version or (self.manifest_sha256, self.generation) == (manifest_sha256, generation)


def find_marker(stdout: str) -> Marker | None:
    """The marker in a command's output: its last line; None where there is none or it is not well-formed."""
    lines = stdout.rstrip().splitlines()
    if not lines or not lines[-1].startswith(PREFIX):
        return None
    try:
        return _marker(json.loads(lines[-1][len(PREFIX) :]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _marker(fields: Mapping[str, object]) -> Marker:
    outcome = str(fields["outcome"])
    if outcome not in OUTCOMES:
        raise ValueError(outcome)
    seconds = fields.get("seconds") or {}
    if not isinstance(seconds, dict):
        raise TypeError("seconds")
    return Marker(
        outcome=outcome,
        version=str(fields["version"] or ""),
        generation=int(str(fields["generation"] or 0)),
        manifest_sha256=str(fields["manifest_sha256"] or ""),
        reason=str(fields.get("reason") or ""),
        parameters=str(fields.get("parameters") or ""),
        seconds={str(name): float(value) for name, value in seconds.items()},
    )
