"""The git tag and the GitHub Release of a version: made once, and found again however often they are asked for.

A tag names one commit for good. Where it names another one, nothing is made and nothing is moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from deployer.core.errors import BadInput, Refused
from deployer.github.repository import open_repository
from deployer.github.run import RunContext

if TYPE_CHECKING:  # PyGithub costs 0.12 s: it is imported where something is asked
    from github.Repository import Repository


class Releases:
    """Those of the job's own repository, with the job's own token (contents: write)."""

    def __init__(self, run: RunContext, api: str, token: str) -> None:
        self._run = run
        self._repository: Repository = open_repository(run, api, token)

    def check(self, version: str, sha: str) -> None:
        """Raises BadInput where the tag of this version is that of another commit."""
        tagged = self._commit_of(version)
        if tagged not in ("", sha):
            raise BadInput(
                f"the git tag {version} of {self._run.repository} is at commit {tagged[:12]}, and this release was "
                f"made from {sha[:12]}",
                "publish as another version; a tag that was meant for this one is moved by hand: "
                f"git tag --force {version} {sha} && git push --force origin {version}",
            )

    def tag(self, version: str, sha: str) -> None:
        """Has the tag at this commit; raises BadInput where it is at another one."""
        self.check(version, sha)
        if self._commit_of(version):
            return
        try:
            with _asking(f"make the git tag {version}"):
                self._repository.create_git_ref(f"refs/tags/{version}", sha)
        except Refused:
            self.check(version, sha)
            if not self._commit_of(version):  # else somebody was faster
                raise

    def publish(self, version: str, sha: str, previous: str, preview: bool) -> str:
        """The URL of the release, its tag at this commit; the notes say what came since the version `previous`."""
        self.tag(version, sha)
        if found := self._published(version):
            return found
        since: dict[str, Any] = {"previous_tag_name": previous} if previous and self._commit_of(previous) else {}
        latest = "false" if preview else "legacy"  # GitHub decides by date and version
        try:
            with _asking(f"publish the GitHub Release {version}"):
                notes = self._repository.generate_release_notes(version, target_commitish=sha, **since)
                return self._repository.create_git_release(
                    version, notes.name, notes.body, prerelease=preview, target_commitish=sha, make_latest=latest
                ).html_url
        except Refused:
            if not (found := self._published(version)):  # else somebody was faster
                raise
            return found

    def _published(self, version: str) -> str:
        with _asking(f"look for the GitHub Release {version}", missing_is_fine=True):
            return self._repository.get_release(version).html_url
        return ""

    def _commit_of(self, tag: str) -> str:
        """The commit a tag is at, one with a message of its own too; "" where there is no such tag."""
        with _asking(f"look for the git tag {tag}", missing_is_fine=True):
            found = self._repository.get_git_ref(f"tags/{tag}").object
            while found.type == "tag":
                found = self._repository.get_git_tag(found.sha).object
            return found.sha
        return ""


@contextmanager
def _asking(what: str, missing_is_fine: bool = False) -> Iterator[None]:
    """Raises Refused for GitHub's refusals."""
    from github import GithubException

    try:
        yield
    except GithubException as error:
        if error.status == 404 and missing_is_fine:
            return
        message = error.data.get("message", "") if isinstance(error.data, dict) else ""
        fix = "give the job `permissions: contents: write`" if error.status in (401, 403, 404) else "run again later"
        raise Refused(f"GitHub answered {error.status} {message} to: {what}", fix) from error
    except OSError as error:  # requests' own errors are OSErrors
        raise Refused(
            f"GitHub does not answer ({type(error).__name__}) to: {what}", "check GITHUB_API_URL and the proxy"
        ) from error
