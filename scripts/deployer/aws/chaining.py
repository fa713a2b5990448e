"""Why a role would not be assumed by the identity we have already, and what both sides need."""

from __future__ import annotations

import json
import re
from typing import Any

from deployer.aws.trust import too_long
from deployer.core.errors import DeployError, Refused

CALL = "sts:AssumeRole"

_WHO = re.compile(r"User: (?P<who>arn:[\w-]+:(?:iam|sts)::\d{12}:\S+) is not authorized")
_SESSION = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<name>[^/]+)/")


def refusal(code: str, message: str, role_arn: str, external_id: str, by: str = "") -> DeployError | None:
    """What STS's answer means; None for answers that are not about trust.

    `by` is the role that asked, where we assumed it ourselves: AWS names only its session, and a path gets lost there.
    """
    if code != "AccessDenied":
        return too_long(code, message, role_arn)
    said = _WHO.search(message)
    who = by or (_identity(said["who"]) if said else "")
    return Refused(
        f"{CALL} was refused: {who or 'the AWS identity in use'} may not assume {role_arn} (or there is no such role)",
        "\n".join(
            [
                f"a policy of {who or 'that identity'} needs this statement",
                _shown({"Effect": "Allow", "Action": CALL, "Resource": role_arn}),
                f"and the trust policy of {role_arn} this one",
                _shown(_trusting(who, external_id)),
                _about_external_id(external_id),
            ]
        ),
    )


def _identity(arn: str) -> str:
    """Whom policies name: of a session its role."""
    session = _SESSION.match(arn)
    return f"arn:{session['partition']}:iam::{session['account']}:role/{session['name']}" if session else arn


def _trusting(who: str, external_id: str) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": who or "ARN OF THE IDENTITY"}, "Action": CALL}
    return {**statement, "Condition": {"StringEquals": {"sts:ExternalId": external_id}}} if external_id else statement


def _about_external_id(external_id: str) -> str:
    if external_id:
        return "role-external-id was given: the trust policy must have the very same text under sts:ExternalId"
    return "if the trust policy asks for sts:ExternalId, give its text as role-external-id"


def _shown(statement: dict[str, Any]) -> str:
    return json.dumps(statement, indent=2)
