"""When the commit of a run was made: from the checkout, else from the event that started the run."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone

from deployer.github.run import event_of


def date_of(sha: str, environment: Mapping[str, str]) -> datetime | None:
    """In UTC, to the second; None where neither git nor GitHub's event knows the commit."""
    text = (_told_by_git(sha) or _told_by_event(sha, environment)) if sha else ""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc) if text else None
    except ValueError:
        return None


def _told_by_git(sha: str) -> str:
    """The committer's date, strictly as ISO 8601 has it. A shallow checkout knows its one commit."""
    try:
        done = subprocess.run(  # noqa: S603 (git itself; the hash is GitHub's)
            ["git", "show", "--no-patch", "--format=%cI", f"{sha}^{{commit}}", "--"],  # noqa: S607 (the one of the PATH)
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _told_by_event(sha: str, environment: Mapping[str, str]) -> str:
    """A push names the commit it ends with."""
    try:
        head = event_of(environment)["head_commit"]
        return str(head["timestamp"]) if head["id"] == sha else ""
    except (KeyError, TypeError):
        return ""
