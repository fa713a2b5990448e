"""Where everything lies in the bucket: a contract with the instances and with other tools."""

from __future__ import annotations

import re

from deployer.core.errors import BadInput

APP_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
"""Lowercased it is the name of the compose project, which allows no dots."""

BUCKET_PATTERN = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
"""S3: 3 to 63 lower-case letters, digits, dots and hyphens."""

GROUP_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}"
"""Auto Scaling allows more, but a group's name is a part of keys and of commands here."""

MANIFEST = "release.json"
ACTIVATE = "activate"
OVERRIDE = "compose.images.yml"
RESERVED = (MANIFEST, ACTIVATE, OVERRIDE)
"""Names at the root of a release that the release itself uses."""


def check_app(text: str) -> str:
    """`text` itself; raises BadInput with the rule it breaks."""
    if not re.fullmatch(APP_PATTERN, text):
        raise BadInput(
            f"{text!r} is no name for an application",
            "`app` is 1 to 63 letters, digits, `_` or `-`, the first a letter or digit",
        )
    return text


def check_bucket(text: str) -> str:
    """`text` itself; raises BadInput with the rule it breaks."""
    if not re.fullmatch(BUCKET_PATTERN, text):
        raise BadInput(
            f"{text!r} is no name of an S3 bucket",
            "`bucket` is 3 to 63 lower-case letters, digits, `.` or `-`, without s3:// and without a path",
        )
    return text


def check_group(text: str) -> str:
    """`text` itself; raises BadInput with the rule it breaks."""
    if text == "releases":
        raise BadInput(
            "no Auto Scaling group may be called releases here",
            "`auto-scaling-group` is part of the keys of its state, which the bucket would take for a release's"
            " (*/releases/*) and let nobody write twice: give the group another name",
        )
    if not re.fullmatch(GROUP_PATTERN, text):
        raise BadInput(
            f"{text!r} is no name of an Auto Scaling group",
            "`auto-scaling-group` is 1 to 255 letters, digits, `.`, `-` or `_` here, the first a letter or digit",
        )
    return text


def releases(app: str) -> str:
    """The prefix of all releases of an application."""
    return f"{app}/releases/"


def release(app: str, version: str, path: str = MANIFEST) -> str:
    """A file of a release; its manifest when no path is given."""
    return f"{releases(app)}{version}/{path}"


def groups(app: str) -> str:
    """The prefix of all groups of an application."""
    return f"{app}/groups/"


def group(app: str, name: str) -> str:
    """The prefix of all that is kept of a group."""
    return f"{groups(app)}{name}/"


def desired(app: str, group: str) -> str:
    """What the group should run, and what its newborns boot."""
    return f"{app}/groups/{group}/desired.json"


def lease(app: str, group: str) -> str:
    """The lock on the group, with its generation."""
    return f"{app}/groups/{group}/lease.json"


def waiting(app: str, group: str) -> str:
    """The claim of the one run that waits for the lease."""
    return f"{app}/groups/{group}/waiting.json"


def records(app: str, group: str) -> str:
    """The prefix of the records of all rollouts of the group."""
    return f"{app}/groups/{group}/rollouts/"


def record(app: str, group: str, generation: int) -> str:
    """The record of one rollout; ten digits, so that keys sort as generations do."""
    return f"{records(app, group)}{generation:010d}.json"
