"""What git knows of the commit a release is made from: which one is checked out, where it is from, when it was made."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import urlsplit

from deployer.github.run import event_of

_REMOTE = re.compile(
    r"(?:[a-z+]+://)?(?:[^@/]*@)?(?P<host>[^/:@]+)(?::[0-9]+)?[:/](?P<repository>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
"""A clone's URL, by https, ssh, or as scp has it."""


@dataclass(frozen=True)
class Head:
    """The commit that is checked out, and the branch, pull request or tag it is: "" where git does not say which."""

    sha: str
    ref: str


def head_of(folder: str) -> Head | None:
    """What is checked out in `folder`; None where there is no git, no repository or no commit."""
    told = _git(_clone_of(folder), "log", "-1", "--no-show-signature", "--decorate=full", "--format=%H%n%D")
    sha, _, names = told.partition("\n")
    return Head(sha, _ref(names.split(", "))) if sha else None


def repository_of(folder: str, server_url: str) -> str:
    """OWNER/NAME that `folder` was cloned from, if that is on this GitHub; else ""."""
    remote = _REMOTE.fullmatch(_git(_clone_of(folder), "config", "--get", "remote.origin.url"))
    return remote["repository"] if remote and remote["host"] == urlsplit(server_url).hostname else ""


def date_of(sha: str, environment: Mapping[str, str], folder: str = ".") -> datetime | None:
    """In UTC, to the second; None where neither git in `folder` nor GitHub's event knows the commit."""
    text = (_told_by_git(sha, folder) or _told_by_event(sha, environment)) if sha else ""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc) if text else None
    except ValueError:
        return None


def _clone_of(folder: str) -> str:
    """The folder to ask git in: a submodule is part of the clone around it."""
    while folder != "." and (around := _git(folder, "rev-parse", "--show-superproject-working-tree")):
        folder = around
    return folder


def _ref(names: Sequence[str]) -> str:
    """GitHub's name for what git decorates: the branch, else what actions/checkout leaves of a pull request or tag."""
    branch = [each.removeprefix("HEAD -> ") for each in names if each.startswith("HEAD -> ")]
    pull_request = [each.replace("remotes/", "", 1) for each in names if re.match(r"refs/remotes/pull/[0-9]+/", each)]
    tag = [each.removeprefix("tag: ") for each in names if each.startswith("tag: ")]
    found = branch or pull_request[:1] or tag
    return found[0] if len(found) == 1 else ""


def _told_by_git(sha: str, folder: str) -> str:
    """The committer's date, strictly as ISO 8601 has it. A shallow checkout knows its one commit."""
    return _git(folder, "show", "--no-patch", "--no-show-signature", "--format=%cI", f"{sha}^{{commit}}", "--")


def _told_by_event(sha: str, environment: Mapping[str, str]) -> str:
    """A push names the commit it ends with."""
    try:
        head = event_of(environment)["head_commit"]
        return str(head["timestamp"]) if head["id"] == sha else ""
    except (KeyError, TypeError):
        return ""


def _git(folder: str, *words: str) -> str:
    """What git says in `folder`, "" where it says no or is not there."""
    # in a container the checkout often belongs to another user, of whom git would know nothing
    try:
        done = subprocess.run(  # noqa: S603 (git itself, each word an argument of its own)
            ["git", "-c", "safe.directory=*", "-C", folder, *words],  # noqa: S607 (the one of the PATH)
            capture_output=True,
            text=True,
            errors="replace",
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
