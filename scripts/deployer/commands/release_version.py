"""What a release is called, as it was told or after the run that makes it, and from which commit it says it is."""

from __future__ import annotations

from datetime import datetime, timezone

from deployer.core.release import Git
from deployer.core.version import check_version, version_of
from deployer.github.run import RunContext


def version_for(given: str, run: RunContext) -> str:
    """The input `version`, or the one of this run; raises BadInput for what is no version."""
    if given:
        return check_version(given)
    today = datetime.now(timezone.utc).date()
    return version_of(run.pushed_tag, run.pull_request, today, run.run_number, run.run_attempt, run.sha)


def git_of(run: RunContext) -> Git:
    """The commit a release is made from; a run on the base branch for a pull request names that one too."""
    of_pull_request = run.pull_request and not run.ref.startswith("refs/pull/")
    return Git(run.sha, f"refs/pull/{run.pull_request}/head" if of_pull_request else run.ref, run.repository)
