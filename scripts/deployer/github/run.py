"""What a GitHub Actions job says about itself in its environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass


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


def _is_fork_pull_request(environment: Mapping[str, str]) -> bool:
    """Compares both ends of the pull request: a `fork` flag is also set in a fork's own pull requests."""
    # not pull_request_target: that one runs as the base repository, with its rights
    if environment.get("GITHUB_EVENT_NAME") != "pull_request":
        return False
    try:
        with open(environment.get("GITHUB_EVENT_PATH", ""), encoding="utf-8") as file:
            pull_request = json.load(file)["pull_request"]
        head = pull_request["head"]["repo"]  # null once the fork is deleted
        return head is None or bool(head["full_name"] != pull_request["base"]["repo"]["full_name"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
