"""GitHub's tags and releases: the REST calls used, in the shapes GitHub publishes."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from localcloud.github.deployments import Refusal

_OWNER = "awesomeorange"
MISSING = "0" * 40
"""The one commit that no repository has."""


@dataclass
class Releases:
    """Those of every repository; each commit that is named is there."""

    api_url: str
    tags: dict[tuple[str, str], str] = field(default_factory=dict)
    """(repository, name) → the commit, or the object of a tag with a message."""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Tags with a message, by their own hash."""
    releases: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """(repository, tag) → the release."""
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def ref(self, repository: str, name: str) -> dict[str, Any]:
        """GET /repos/O/R/git/ref/tags/NAME."""
        if (repository, name) not in self.tags:
            raise Refusal(404, "Not Found")
        sha = self.tags[repository, name]
        kind = "tag" if sha in self.objects else "commit"
        git = f"{self.api_url}/repos/{repository}/git"
        return {
            "ref": f"refs/tags/{name}",
            "node_id": f"local-{name}",
            "url": f"{git}/refs/tags/{name}",
            "object": {"type": kind, "sha": sha, "url": f"{git}/{kind}s/{sha}"},
        }

    def create_ref(self, repository: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """POST /repos/O/R/git/refs."""
        name = str(asked["ref"]).removeprefix("refs/tags/")
        if asked["sha"] == MISSING:
            raise Refusal(422, "Object does not exist")
        if (repository, name) in self.tags:
            raise Refusal(422, "Reference already exists")
        self.tags[repository, name] = str(asked["sha"])
        return self.ref(repository, name)

    def tag(self, repository: str, sha: str) -> dict[str, Any]:
        """GET /repos/O/R/git/tags/SHA: a tag with a message."""
        del repository
        if sha not in self.objects:
            raise Refusal(404, "Not Found")
        return self.objects[sha]

    def create_tag(self, repository: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """POST /repos/O/R/git/tags: the object alone; a reference makes it a tag."""
        sha = hashlib.sha1(repr(sorted(asked.items())).encode(), usedforsecurity=False).hexdigest()
        git = f"{self.api_url}/repos/{repository}/git"
        self.objects[sha] = {
            "node_id": f"local-{sha}",
            "sha": sha,
            "url": f"{git}/tags/{sha}",
            "tag": asked["tag"],
            "message": asked["message"],
            "tagger": {"name": _OWNER, "email": f"{_OWNER}@example.com", "date": _now()},
            "object": {"type": asked["type"], "sha": asked["object"], "url": f"{git}/commits/{asked['object']}"},
        }
        return self.objects[sha]

    def by_tag(self, repository: str, tag: str) -> dict[str, Any]:
        """GET /repos/O/R/releases/tags/TAG."""
        if (repository, tag) not in self.releases:
            raise Refusal(404, "Not Found")
        return self.releases[repository, tag]

    def notes(self, repository: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """POST /repos/O/R/releases/generate-notes."""
        tag, since = str(asked["tag_name"]), str(asked.get("previous_tag_name", ""))
        if since and (repository, since) not in self.tags:
            raise Refusal(422, f"Invalid previous_tag parameter: {since} is not a tag")
        compared = f"compare/{since}...{tag}" if since else f"commits/{tag}"
        return {"name": tag, "body": f"**Full Changelog**: https://github.com/{repository}/{compared}"}

    def create(self, repository: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """POST /repos/O/R/releases; makes the tag where there is none."""
        tag = str(asked["tag_name"])
        if (repository, tag) in self.releases:
            raise Refusal(422, "Validation Failed: tag_name already_exists")
        if asked.get("prerelease") and asked.get("make_latest") == "true":
            raise Refusal(422, "Validation Failed: a prerelease cannot be the latest")
        self.tags.setdefault((repository, tag), str(asked.get("target_commitish", "main")))
        number, url = next(self._ids), f"{self.api_url}/repos/{repository}/releases"
        self.releases[repository, tag] = {
            "id": number,
            "node_id": f"local-{number}",
            "url": f"{url}/{number}",
            "assets_url": f"{url}/{number}/assets",
            "upload_url": f"{url}/{number}/assets{{?name,label}}",
            "html_url": f"https://github.com/{repository}/releases/tag/{tag}",
            "tarball_url": f"{self.api_url}/repos/{repository}/tarball/{tag}",
            "zipball_url": f"{self.api_url}/repos/{repository}/zipball/{tag}",
            "tag_name": tag,
            "target_commitish": asked.get("target_commitish", "main"),
            "name": asked.get("name"),
            "body": asked.get("body"),
            "draft": bool(asked.get("draft")),
            "prerelease": bool(asked.get("prerelease")),
            "created_at": _now(),
            "published_at": _now(),
            "author": _author(self.api_url),
            "assets": [],
        }
        return self.releases[repository, tag]


def _now() -> str:
    return f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def _author(api_url: str) -> dict[str, Any]:
    url = f"{api_url}/users/{_OWNER}"
    lists = ("followers", "subscriptions", "organizations", "repos", "received_events")
    return {
        "login": _OWNER,
        "id": 1,
        "node_id": "local-1",
        "avatar_url": "",
        "gravatar_id": "",
        "url": url,
        "html_url": f"https://github.com/{_OWNER}",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "events_url": f"{url}/events{{/privacy}}",
        **{f"{each}_url": f"{url}/{each}" for each in lists},
        "type": "User",
        "site_admin": False,
    }
