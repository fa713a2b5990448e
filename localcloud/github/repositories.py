"""What GitHub's REST API says of a repository: its commits and its environments, in the shapes GitHub publishes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localcloud.github.deployments import Refusal


@dataclass
class Repositories:
    """Every commit there is asked for is there; environments are those somebody made."""

    api_url: str
    environments: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """(repository, name) → the types of its protection rules."""
    refused: set[str] = field(default_factory=set)
    """What the token may not see: `commits`, `environments`, `deployments` or `contents` (tags and releases)."""

    def check_allowed(self, what: str) -> None:
        """Raises GitHub's refusal for a permission the token lacks."""
        if what in self.refused:
            raise Refusal(403, "Resource not accessible by integration")

    def commit(self, repository: str, sha: str) -> dict[str, Any]:
        """GET /repos/O/R/commits/SHA."""
        self.check_allowed("commits")
        url = f"{self.api_url}/repos/{repository}"
        about = {"url": f"{url}/commits/{sha}", "comments_url": f"{url}/commits/{sha}/comments"}
        tree = {"sha": sha, "url": f"{url}/git/trees/{sha}"}
        return {
            **about,
            "sha": sha,
            "node_id": f"local-{sha}",
            "html_url": f"https://github.com/{repository}/commit/{sha}",
            "commit": {
                "message": "",
                "url": f"{url}/git/commits/{sha}",
                "comment_count": 0,
                "author": None,
                "committer": None,
                "tree": tree,
            },
            "author": {},  # GitHub knows no user by the commit's address
            "committer": {},
            "parents": [],
            "files": [],
        }

    def environment(self, repository: str, name: str) -> dict[str, Any]:
        """GET /repos/O/R/environments/NAME."""
        self.check_allowed("environments")
        if (repository, name) not in self.environments:
            raise Refusal(404, "Not Found")
        rules = self.environments[repository, name]
        by_branch = {"protected_branches": True, "custom_branch_policies": False}
        return {
            "id": 1,
            "node_id": f"local-{name}",
            "name": name,
            "url": f"{self.api_url}/repos/{repository}/environments/{name}",
            "html_url": f"https://github.com/{repository}/deployments/activity_log?environments_filter={name}",
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "protection_rules": [
                {"id": number, "node_id": f"local-{name}-{number}", "type": kind}
                for number, kind in enumerate(rules, 1)
            ],
            "deployment_branch_policy": by_branch if "branch_policy" in rules else None,
        }
