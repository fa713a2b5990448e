"""What a session of a role may be asked for, and how it is opened: one way for tokens and for chained roles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localcloud.aws.errors import AwsError
from localcloud.aws.moto_seams import Books

SHORTEST = 900
DEFAULT = 3600
CHAINED = 3600
"""Seconds: STS's own limit for a role assumed by another role's session, whatever the role allows."""
LONGEST_POLICY = 2048
"""Characters of a session policy as it is sent."""


class RoleSessions:
    """Opens sessions of roles. `lasting`: seconds each really lives, whatever was asked for; None: as asked."""

    def __init__(self, books: Books, lasting: float | None = None) -> None:
        self._books = books
        self.lasting = lasting

    def open(self, role: Any, asked: Mapping[str, Any], chained: bool = False) -> dict[str, Any]:
        """The part of STS's answer that is the same for every way in; raises AwsError for what it would not open."""
        seconds = int(asked.get("DurationSeconds") or DEFAULT)
        _check_duration(seconds, int(role.max_session_duration or DEFAULT), chained)
        policy = str(asked.get("Policy") or "")
        _check_policy(policy)
        lasting = seconds if self.lasting is None else self.lasting
        session = self._books.open_role_session(role.arn, asked["RoleSessionName"], lasting, policy)
        answer = {"Credentials": session, "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn}}
        return {**answer, "PackedPolicySize": 100 * len(policy) // LONGEST_POLICY} if policy else answer


def _check_duration(seconds: int, longest: int, chained: bool) -> None:
    if chained and seconds > CHAINED:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        )
    if seconds > longest:
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise AwsError("ValidationError", message)
    if seconds < SHORTEST:
        raise AwsError("ValidationError", f"DurationSeconds must be at least {SHORTEST}.")


def _check_policy(policy: str) -> None:
    if len(policy) > LONGEST_POLICY:
        raise AwsError(
            "ValidationError",
            f"1 validation error detected: Value '{policy}' at 'policy' failed to satisfy constraint: "
            f"Member must have length less than or equal to {LONGEST_POLICY}",
        )
    try:
        if policy and not isinstance(json.loads(policy), dict):
            raise ValueError("no object")
    except ValueError as error:
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json") from error
