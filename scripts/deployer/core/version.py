"""The name of a release: a git tag, or date, run and commit."""

from __future__ import annotations

import re
from datetime import date

from deployer.core.errors import BadInput

VERSION_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
"""Valid as a docker tag, as a part of an S3 key and as a git tag."""

RULE = "1 to 128 letters, digits, `.`, `_` or `-`, the first a letter or digit"


def check_version(text: str) -> str:
    """`text` itself; raises BadInput with the rule it breaks."""
    if not re.fullmatch(VERSION_PATTERN, text):
        raise BadInput(f"{text!r} is no version: a version is {RULE}", "give another `version`, for example v1.2.3")
    return text


def is_preview(version: str, ref: str) -> bool:
    """Whether what a version names was made from a pull request, which nobody has merged yet."""
    return re.match(r"pr-[0-9]+\.", version) is not None or ref.startswith("refs/pull/")


def version_of(tag: str, pull_request: str, today: date, run_number: str, attempt: str, sha: str) -> str:
    """The version of a run of a workflow: the pushed tag, else `<yyyymmdd>.<run>.<attempt>-<sha7>`.

    For a pull request `pr-<number>` stands in the place of the date, `today` in UTC. Raises BadInput for a tag that is
    no version, or where there is no run to name it after.
    """
    if tag:
        return check_version(tag)
    if not (run_number and attempt and sha):
        raise BadInput(
            "a version can only be made up inside GitHub Actions, from the run and the commit",
            "give one: --version v1",
        )
    begin = f"pr-{pull_request}" if pull_request else f"{today:%Y%m%d}"
    return check_version(f"{begin}.{run_number}.{attempt}-{sha[:7]}")
