"""GitHub's Deployments: the four REST calls used, in the shapes GitHub publishes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


class Refusal(Exception):
    """An HTTP status and GitHub's message for it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class Deployments:
    """The deployments of every repository."""

    api_url: str
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _deployments: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    _statuses: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)

    def create(self, repository: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """POST /repos/O/R/deployments."""
        if not asked.get("ref"):
            raise Refusal(422, 'Invalid request.\n\n"ref" wasn\'t supplied.')
        number = next(self._ids)
        url = f"{self.api_url}/repos/{repository}/deployments/{number}"
        deployment = {
            **_common(number, url, self.api_url, repository),
            "sha": asked.get("sha", "0" * 40),
            "ref": asked["ref"],
            "task": asked.get("task", "deploy"),
            "payload": asked.get("payload", {}),
            "original_environment": asked.get("environment", "production"),
            "environment": asked.get("environment", "production"),
            "description": asked.get("description"),
            "transient_environment": asked.get("transient_environment", False),
            "production_environment": asked.get(
                "production_environment", asked.get("environment", "production") == "production"
            ),
            "statuses_url": f"{url}/statuses",
        }
        self._deployments[repository, number] = deployment
        self._statuses[repository, number] = []
        return deployment

    def listed(self, repository: str, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
        """GET /repos/O/R/deployments, newest first, filtered by ref, sha, task or environment."""
        found = [each for (owner, _), each in self._deployments.items() if owner == repository]
        for name in ("ref", "sha", "task", "environment"):
            if name in wanted:
                found = [each for each in found if each[name] == wanted[name]]
        return found[::-1]

    def get(self, repository: str, number: int) -> dict[str, Any]:
        """GET /repos/O/R/deployments/ID."""
        return self._known(repository, number)

    def add_status(self, repository: str, number: int, asked: Mapping[str, Any]) -> dict[str, Any]:
        """POST …/statuses; a success makes earlier successful deployments of the environment inactive."""
        deployment = self._known(repository, number)
        if asked.get("state") not in STATES:
            raise Refusal(422, f"Validation Failed: state is not one of {', '.join(STATES)}")
        status = self._status(repository, deployment, asked)
        self._statuses[repository, number].insert(0, status)
        if status["state"] == "success" and asked.get("auto_inactive", True):
            self._retire_others(repository, deployment)
        return status

    def statuses(self, repository: str, number: int) -> list[dict[str, Any]]:
        """GET …/statuses, newest first."""
        self._known(repository, number)
        return self._statuses[repository, number]

    def _status(self, repository: str, deployment: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        url = f"{deployment['statuses_url']}/{number}"
        return {
            **_common(number, url, self.api_url, repository),
            "state": asked["state"],
            "description": asked.get("description", ""),
            "environment": asked.get("environment", deployment["environment"]),
            "environment_url": asked.get("environment_url", ""),
            "log_url": asked.get("log_url", ""),
            "target_url": asked.get("target_url", asked.get("log_url", "")),
            "deployment_url": deployment["url"],
        }

    def _retire_others(self, repository: str, deployment: Mapping[str, Any]) -> None:
        for (owner, number), statuses in self._statuses.items():
            other = self._deployments[owner, number]
            same = owner == repository and other["environment"] == deployment["environment"]
            if same and number != deployment["id"] and statuses and statuses[0]["state"] == "success":
                statuses.insert(0, self._status(repository, other, {"state": "inactive"}))

    def _known(self, repository: str, number: int) -> dict[str, Any]:
        found = self._deployments.get((repository, number))
        if found is None:
            raise Refusal(404, "Not Found")
        return found


def _common(number: int, url: str, api_url: str, repository: str) -> dict[str, Any]:
    moment = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "id": number,
        "node_id": f"local-{number}",
        "url": url,
        "repository_url": f"{api_url}/repos/{repository}",
        "creator": None,
        "created_at": moment,
        "updated_at": moment,
    }
