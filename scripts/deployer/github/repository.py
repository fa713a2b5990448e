"""A repository through GitHub's REST API, with the job's own token."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from deployer.core.errors import Refused
from deployer.github.run import RunContext

if TYPE_CHECKING:  # PyGithub costs 0.12 s: it is imported where the repository is asked
    from collections.abc import Callable

    from github.Repository import Repository

API = "https://api.github.com"
TIMEOUT = 10
"""Seconds for one request."""
WAIT = 30
"""Seconds at most for a rate limit to pass: nothing that is asked here is worth more."""


def open_repository(run: RunContext, api: str, token: str) -> Repository:
    """The job's repository; nothing is asked yet. `api`: "" for github.com."""
    from github import Auth, Github, GithubRetry

    github = Github(
        auth=Auth.Token(token),
        base_url=api or API,
        timeout=TIMEOUT,
        retry=GithubRetry(total=2, max_rate_limit_wait=WAIT),
        seconds_between_requests=0,  # a handful of requests in all: nothing to pace
        seconds_between_writes=0,
        lazy=True,  # the repository's own description is not needed
    )
    return github.get_repo(run.repository)


class Answer(Enum):
    """What GitHub says to who wants to see something."""

    YES = 200
    NOT_ALLOWED = 403
    NOT_THERE = 404
    """Or not for this token's eyes: GitHub does not always tell them apart."""


class RepositoryReader:
    """Looks, and changes nothing."""

    def __init__(self, run: RunContext, api: str, token: str) -> None:
        self._repository = open_repository(run, api, token)

    def commit(self, sha: str) -> Answer:
        """Whether the token reads this commit (contents: read)."""
        return self._ask(lambda: self._repository.get_commit(sha).commit)

    def deployments(self) -> Answer:
        """Whether the token sees deployments (deployments: read)."""
        return self._ask(lambda: next(iter(self._repository.get_deployments()), None))

    def environment(self, name: str) -> tuple[Answer, tuple[str, ...]]:
        """Whether the environment is there (actions: read), and what guards it, in words."""
        guards: list[str] = []

        def look() -> None:
            found = self._repository.get_environment(name)
            found.update()
            guards.extend(_WORDS.get(each.type, each.type) for each in found.protection_rules)
            if found.deployment_branch_policy is not None and "only chosen branches" not in guards:
                guards.append("only chosen branches")

        return self._ask(look), tuple(guards)

    @staticmethod
    def _ask(look: Callable[[], object]) -> Answer:
        from github import GithubException

        try:
            look()
        except GithubException as error:
            if error.status in (401, 403):
                return Answer.NOT_ALLOWED
            if error.status == 404:
                return Answer.NOT_THERE
            raise Refused(f"GitHub answered {error.status}", "run again later (githubstatus.com)") from error
        except OSError as error:  # requests' own errors are OSErrors
            raise Refused(
                f"GitHub does not answer ({type(error).__name__})", "check GITHUB_API_URL and the proxy"
            ) from error
        return Answer.YES


_WORDS = {
    "required_reviewers": "somebody must approve",
    "wait_timer": "a wait before it starts",
    "branch_policy": "only chosen branches",
}
"""The rules of an environment by GitHub's names for them."""
