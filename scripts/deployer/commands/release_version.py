"""What a release is called: as it was told, or after the run that makes it."""

from __future__ import annotations

from datetime import datetime, timezone

from deployer.core.version import check_version, version_of
from deployer.github.run import RunContext


def version_for(given: str, run: RunContext) -> str:
    """The input `version`, or the one of this run; raises BadInput for what is no version."""
    if given:
        return check_version(given)
    today = datetime.now(timezone.utc).date()
    return version_of(run.pushed_tag, run.pull_request, today, run.run_number, run.run_attempt, run.sha)
