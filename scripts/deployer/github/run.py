"""What a GitHub Actions job says about itself in its environment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RunContext:
    """The run a command belongs to. Outside Actions every text is "" and every switch False."""

    in_actions: bool = False
    repository: str = ""
    """OWNER/NAME"""
    repository_url: str = ""
    sha: str = ""
    ref: str = ""
    """refs/heads/main, refs/tags/v1.2.3, refs/pull/7/merge"""
    pushed_tag: str = ""
    """v1.2.3 if the run was started for a tag."""
    pull_request: str = ""
    """7 if the run was started by pull request 7."""
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
            repository_url=_repository_url(environment),
            sha=environment.get("GITHUB_SHA", ""),
            ref=environment.get("GITHUB_REF", ""),
            pushed_tag=_pushed_tag(environment),
            pull_request=_pull_request(environment),
            run_id=environment.get("GITHUB_RUN_ID", ""),
            run_attempt=environment.get("GITHUB_RUN_ATTEMPT", ""),
            run_number=environment.get("GITHUB_RUN_NUMBER", ""),
            run_url=_run_url(environment),
            actor=environment.get("GITHUB_ACTOR", ""),
            fork_pull_request=_is_fork_pull_request(environment),
        )


def _repository_url(environment: Mapping[str, str]) -> str:
    server = environment.get("GITHUB_SERVER_URL", "") or "https://github.com"
    repository = environment.get("GITHUB_REPOSITORY", "")
    return f"{server}/{repository}" if repository else ""


def _run_url(environment: Mapping[str, str]) -> str:
    repository, run_id = _repository_url(environment), environment.get("GITHUB_RUN_ID", "")
    return f"{repository}/actions/runs/{run_id}" if repository and run_id else ""


def _pushed_tag(environment: Mapping[str, str]) -> str:
    return environment.get("GITHUB_REF_NAME", "") if environment.get("GITHUB_REF_TYPE") == "tag" else ""


def _pull_request(environment: Mapping[str, str]) -> str:
    """Its number; `pull_request_target` runs on the base branch, and only its event says so."""
    if not environment.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        return ""
    named = re.match(r"refs/pull/([0-9]+)/", environment.get("GITHUB_REF", ""))
    return named[1] if named else str(event_of(environment).get("number") or "")


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
