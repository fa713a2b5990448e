"""The name of a release: a git tag, or date, run and commit."""

from __future__ import annotations

import re
from collections.abc import Mapping
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


def version_from(env: Mapping[str, str], today: date) -> str:
    """The version of this run of a workflow: the pushed tag, else `<yyyymmdd>.<run>.<attempt>-<sha7>`.

    `today` is the date in UTC. Raises BadInput outside GitHub Actions, or for a tag that is no version.
    """
    if env.get("GITHUB_REF_TYPE") == "tag":
        return check_version(env.get("GITHUB_REF_NAME", ""))
    run, attempt, sha = (env.get(f"GITHUB_{name}", "") for name in ("RUN_NUMBER", "RUN_ATTEMPT", "SHA"))
    if not (run and attempt and sha):
        raise BadInput(
            "a version can only be made up inside GitHub Actions, from the run and the commit",
            "give one: --version v1",
        )
    return check_version(f"{today:%Y%m%d}.{run}.{attempt}-{sha[:7]}")
