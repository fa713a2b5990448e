"""What a release is called, as it was told or after the run that makes it, and from which commit it is made."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from datetime import datetime, timezone

from deployer.core.release import Git
from deployer.core.version import check_version, version_of
from deployer.github import commit
from deployer.github.commit import Head
from deployer.github.run import RunContext


def version_for(given: str, run: RunContext, git: Git) -> str:
    """The input `version`, or the one of this run and commit; raises BadInput for what is no version."""
    if given:
        return check_version(given)
    today = datetime.now(timezone.utc).date()
    pull_request = re.match(r"refs/pull/([0-9]+)/", git.ref)
    number = pull_request[1] if pull_request else ""
    return version_of(run.pushed_tag, number, today, run.run_number, run.run_attempt, git.sha)


def project_folder(compose_files: Sequence[str]) -> str:
    """Where the application lies: the folder of the first compose file."""
    return posixpath.dirname(compose_files[0]) or "."


def git_of(run: RunContext, folder: str) -> Git:
    """The commit checked out in `folder`; where nothing is, that of the run. docs/decisions/0027-commits.md

    Outside Actions nobody knows: a person's working directory is rarely what was committed.
    """
    head = commit.head_of(folder) if run.sha else None
    if head is None or head.sha == run.sha:
        return Git(run.sha, _ref_of(run), run.repository)
    return Git(head.sha, _ref_of_another(run, head), commit.repository_of(folder, run.server_url))


def _ref_of(run: RunContext) -> str:
    """The run's own; a run on the base branch for a pull request names that one."""
    if run.pull_request and not run.ref.startswith("refs/pull/"):
        return f"refs/pull/{run.pull_request}/head"
    return run.ref


def _ref_of_another(run: RunContext, head: Head) -> str:
    """Of a commit that is not the run's: what git knows it as, but a pull request's where the run is about one."""
    number = run.pull_request or run.about_pull_request
    return f"refs/pull/{number}/head" if number and not head.ref.startswith("refs/pull/") else head.ref
