"""A missing IAM permission: who lacks what on which resource, and the policy statement that grants it."""

from __future__ import annotations

import json
import re

from deployer.aws.reach import WIDE
from deployer.core.errors import Denied, DeployError, Refused

_SAID = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: (?P<action>[\w-]+:\w+)(?: on resource: (?P<what>\S+))?"
)
_CALL = re.compile(r"(?P<action>[\w-]+:\w+)(?: on (?P<what>\S+))?")
_ROLE = re.compile(r"arn:[\w-]+:sts::\d+:assumed-role/(?P<name>[^/]+)/")

NEEDS = {
    "s3:HeadObject": "s3:GetObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:DeleteObjects": "s3:DeleteObject",
}
"""Where S3's permission is not named like its operation."""


def permission_missing(call: str, message: str) -> DeployError:
    """The refusal for a denied `call` (`service:Operation on WHAT`); AWS's `message` wins where it says more."""
    said = _SAID.search(message)
    if said and "explicit deny" in message:
        return Denied(
            f"{call} was refused by an explicit deny: {message}",
            "no policy that allows can lift it: change the denying policy, which the message names the kind of",
            said["action"],
        )
    if said and "session policy" in message:
        return Denied(
            f"{call} was refused by the session policy this command made for itself: {message}",
            f"set `{WIDE}`, and the role's own policies are the only limit; please report it, as this is a mistake",
            said["action"],
        )
    if said:
        who, action, what = said["who"], said["action"], (said["what"] or "*").strip('".,')
    else:
        who, (action, what) = "", _asked_for(call)
    if not action:
        return Refused(f"{call} was refused: {message}", "see which permission the AWS role lacks")
    return Denied(
        f"{call} was refused: {who or 'the AWS identity in use'} may not {action}",
        f"add this statement to a policy of {_holder(who)}:\n{statement(action, what)}",
        action,
    )


def _asked_for(call: str) -> tuple[str, str]:
    match = _CALL.match(call)
    if not match:
        return "", ""
    return NEEDS.get(match["action"], match["action"]), _arn(match["what"] or "*")


def _arn(what: str) -> str:
    if what.startswith("s3://"):
        return "arn:aws:s3:::" + what.removeprefix("s3://").rstrip("/")
    return what if what.startswith("arn:") else "*"


def _holder(who: str) -> str:
    role = _ROLE.match(who)
    return f"the role {role['name']}" if role else who or "the role in use"


def statement(action: str, what: str) -> str:
    """The policy statement that allows `action` on the resource `what`."""
    return json.dumps({"Effect": "Allow", "Action": action, "Resource": what}, indent=2)
