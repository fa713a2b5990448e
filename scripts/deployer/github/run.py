"""What a GitHub Actions job says about itself in its environment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNKNOWN = "unknown"
"""Which pull request it is, where GitHub tells only that it is one."""


@dataclass(frozen=True)
class RunContext:
    """The run a command belongs to. Outside Actions every text but the server's is "" and every switch False."""

    in_actions: bool = False
    repository: str = ""
    """OWNER/NAME"""
    server_url: str = "https://github.com"
    sha: str = ""
    """The commit of the event that started the run; what is checked out may be another: commit.head_of."""
    ref: str = ""
    """refs/heads/main, refs/tags/v1.2.3, refs/pull/7/merge"""
    pushed_tag: str = ""
    """v1.2.3 if the run was started for a tag."""
    pull_request: str = ""
    """7 if the run was started by pull request 7, which is not merged yet."""
    about_pull_request: str = ""
    """7 if the run is of the default branch, started by a comment on pull request 7 or by a workflow that ran for it;
    `unknown` where GitHub does not say which (that of a fork)."""
    run_id: str = ""
    run_attempt: str = ""
    run_number: str = ""
    """Counts the runs of one workflow; the same for every attempt."""
    run_url: str = ""
    actor: str = ""
    fork_pull_request: bool = False
    """Whether a pull request of another repository started the run: such runs get no OIDC token."""

    @property
    def tag(self) -> str:
        """`<run id>-<attempt>`, the same for all commands of one attempt of a run; "" outside Actions."""
        return f"{self.run_id}-{self.run_attempt or 1}" if self.run_id else ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RunContext:
        """Reads GitHub's default variables; see "Variables reference" in GitHub's documentation."""
        return cls(
            in_actions=environment.get("GITHUB_ACTIONS") == "true",
            repository=environment.get("GITHUB_REPOSITORY", ""),
            server_url=_server_url(environment),
            sha=environment.get("GITHUB_SHA", ""),
            ref=environment.get("GITHUB_REF", ""),
            pushed_tag=_pushed_tag(environment),
            pull_request=_pull_request(environment),
            about_pull_request=_about_pull_request(environment),
            run_id=environment.get("GITHUB_RUN_ID", ""),
            run_attempt=environment.get("GITHUB_RUN_ATTEMPT", ""),
            run_number=environment.get("GITHUB_RUN_NUMBER", ""),
            run_url=_run_url(environment),
            actor=environment.get("GITHUB_ACTOR", ""),
            fork_pull_request=_is_fork_pull_request(environment),
        )


def _server_url(environment: Mapping[str, str]) -> str:
    return environment.get("GITHUB_SERVER_URL", "") or RunContext.server_url


def _run_url(environment: Mapping[str, str]) -> str:
    repository, run_id = environment.get("GITHUB_REPOSITORY", ""), environment.get("GITHUB_RUN_ID", "")
    return f"{_server_url(environment)}/{repository}/actions/runs/{run_id}" if repository and run_id else ""


def _pushed_tag(environment: Mapping[str, str]) -> str:
    return environment.get("GITHUB_REF_NAME", "") if environment.get("GITHUB_REF_TYPE") == "tag" else ""


def _pull_request(environment: Mapping[str, str]) -> str:
    """Its number; `pull_request_target` runs on the base branch, and only its event says so.

    A run for one that was merged is of the branch it was merged into: GitHub's own GITHUB_REF says so.
    """
    if not environment.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        return ""
    if named := re.match(r"refs/pull/([0-9]+)/", environment.get("GITHUB_REF", "")):
        return named[1]
    event = event_of(environment)
    merged = (event.get("pull_request") or {}).get("merged") is True
    return "" if merged else str(event.get("number") or "")


def _about_pull_request(environment: Mapping[str, str]) -> str:
    """Its number, `unknown`, or "" for an event that has nothing to do with one that still is to be merged."""
    name, event = environment.get("GITHUB_EVENT_NAME"), event_of(environment)
    try:
        if name == "issue_comment":
            pull_request = event["issue"].get("pull_request")
            return str(event["issue"]["number"]) if pull_request and not pull_request.get("merged_at") else ""
        if name == "workflow_run" and event["workflow_run"]["event"].startswith("pull_request"):
            known = event["workflow_run"]["pull_requests"]
            return str(known[0]["number"]) if known else UNKNOWN
    except (KeyError, TypeError, AttributeError):
        pass
    return ""


def event_of(environment: Mapping[str, str]) -> dict[str, Any]:
    """What GitHub says of the event that started the run; empty where it says nothing."""
    try:
        with open(environment.get("GITHUB_EVENT_PATH", ""), encoding="utf-8") as file:
            event = json.load(file)
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _is_fork_pull_request(environment: Mapping[str, str]) -> bool:
    """Compares both ends of the pull request: a `fork` flag is also set in a fork's own pull requests."""
    # not pull_request_target: that one runs as the base repository, with its rights
    if environment.get("GITHUB_EVENT_NAME") != "pull_request":
        return False
    try:
        pull_request = event_of(environment)["pull_request"]
        head = pull_request["head"]["repo"]  # null once the fork is deleted
        return head is None or bool(head["full_name"] != pull_request["base"]["repo"]["full_name"])
    except (KeyError, TypeError):
        return False
