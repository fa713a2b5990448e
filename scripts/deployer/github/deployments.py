"""Rollouts as GitHub Deployments: what the repository's page shows as deployed where.

A record beside the work: whatever goes wrong here is a warning, a rollout never fails for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

from deployer.github.console import Console
from deployer.github.repository import open_repository

if TYPE_CHECKING:  # PyGithub costs 0.12 s: it is imported when the first deployment starts
    from github.Deployment import Deployment
    from github.Repository import Repository

State = Literal["success", "failure", "error"]
DESCRIPTION_LIMIT = 140
"""Characters GitHub takes for the description of a status."""
LOOK_BACK = 30
"""Deployments of one commit to look through: the newest page."""


@dataclass(frozen=True)
class Handle:
    """A deployment under way."""

    deployment: Deployment


class Deployments:
    """The deployments of the job's own repository, made with the job's own token."""

    def __init__(self, console: Console, environment: Mapping[str, str]) -> None:
        self._console = console
        self._run = console.run
        self._api = environment.get("GITHUB_API_URL", "")
        self._token = environment.get("INPUT_GITHUB_TOKEN", "") or environment.get("GITHUB_TOKEN", "")

    def start(self, environment: str, sha: str, description: str) -> Handle | None:
        """A deployment of commit `sha` to `environment`, in progress; None when there is none to be had.

        A retry of the same attempt of the run finds the deployment it made before.
        """
        if not self._run.repository or not self._can_start():
            return None
        with self._never_failing("start"):
            repository = self._repository()
            payload = {"run_id": self._run.run_id, "run_attempt": self._run.run_attempt}
            deployment = (
                _find(repository, sha, environment, payload)
                or repository.create_deployment(
                    ref=sha,
                    auto_merge=False,  # GitHub would merge the default branch into the ref first
                    required_contexts=[],  # the workflow decides when to deploy, not the commit's other checks
                    payload=payload,
                    environment=environment,
                    description=description[:DESCRIPTION_LIMIT],
                )
            )
            self._report(deployment, "in_progress", description, "")
            return Handle(deployment)
        return None

    def finish(self, handle: Handle | None, state: State, description: str, url: str = "") -> None:
        """Says how the deployment ended; `url` is where the application answers, if anywhere."""
        if handle:
            with self._never_failing("finish"):
                self._report(handle.deployment, state, description, url)

    def _can_start(self) -> bool:
        if not self._token:
            self._console.warning(
                "No GitHub Deployment", "there is no token: pass github-token, or set github-deployment: false"
            )
        return bool(self._token)

    def _repository(self) -> Repository:
        return open_repository(self._run, self._api, self._token)

    def _report(self, deployment: Deployment, state: str, description: str, url: str) -> None:
        deployment.create_status(
            state,
            target_url=self._run.run_url,
            description=description[:DESCRIPTION_LIMIT],
            environment_url=url,
        )

    @contextmanager
    def _never_failing(self, verb: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # the boundary of a side issue: nothing may pass it
            self._console.warning("No GitHub Deployment", f"could not {verb} it: {_reason(error)}")


def _find(repository: Repository, sha: str, environment: str, payload: Mapping[str, str]) -> Deployment | None:
    """The deployment an earlier try of this attempt made: GitHub's client repeats a POST it got no answer to."""
    newest_first = repository.get_deployments(ref=sha, environment=environment)
    return next((each for each in islice(newest_first, LOOK_BACK) if each.payload == payload), None)


def _reason(error: Exception) -> str:
    from github import GithubException

    if not isinstance(error, GithubException):
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    message = error.data.get("message", "") if isinstance(error.data, dict) else ""
    hint = "; give the job `permissions: deployments: write`" if error.status in (401, 403, 404) else ""
    return f"GitHub answered {error.status} {message}{hint}"
