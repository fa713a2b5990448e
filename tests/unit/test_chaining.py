"""A role that would not be assumed by another: both statements that are missing, ready to paste."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployer.aws import chaining
from deployer.core.errors import BadInput

FIRST = "arn:aws:iam::123456789012:role/ci/shop-deploy"
SECOND = "arn:aws:iam::210987654321:role/shop-admin"


def said_of(who: str) -> str:
    return f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {SECOND}"


def fix(who: str, external_id: str = "", by: str = "") -> str:
    refusal = chaining.refusal("AccessDenied", said_of(who), SECOND, external_id, by)
    assert refusal is not None
    return refusal.fix


def statements_in(text: str) -> list[dict[str, Any]]:
    found, rest = [], text
    while "{" in rest:
        rest = rest[rest.index("{") :]
        statement, end = json.JSONDecoder().raw_decode(rest)
        found.append(statement)
        rest = rest[end:]
    return found


@pytest.mark.parametrize(
    ("who", "by", "named"),
    [
        ("arn:aws:sts::123456789012:assumed-role/shop-deploy/gha-77-2", FIRST, FIRST),
        (
            "arn:aws-cn:sts::123456789012:assumed-role/shop-deploy/gha-77-2",
            "",
            "arn:aws-cn:iam::123456789012:role/shop-deploy",
        ),
        ("arn:aws:iam::123456789012:user/somebody", "", "arn:aws:iam::123456789012:user/somebody"),
    ],
    ids=["our own role", "an ambient role", "a user"],
)
def test_policies_name_the_identity_and_not_its_session(who: str, by: str, named: str) -> None:
    asking, trusting = statements_in(fix(who, by=by))
    assert asking == {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": SECOND}
    assert trusting == {"Effect": "Allow", "Principal": {"AWS": named}, "Action": "sts:AssumeRole"}


def test_an_external_id_becomes_a_condition() -> None:
    _, trusting = statements_in(fix("arn:aws:iam::123456789012:user/somebody", "tenant-7"))
    assert trusting["Condition"] == {"StringEquals": {"sts:ExternalId": "tenant-7"}}


def test_without_an_external_id_one_is_told_where_it_would_go() -> None:
    assert "give its text as role-external-id" in fix("arn:aws:iam::123456789012:user/somebody")


@pytest.mark.parametrize(
    "message",
    [
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    ],
)
def test_a_session_that_is_too_long_is_bad_input(message: str) -> None:
    assert isinstance(chaining.refusal("ValidationError", message, SECOND, ""), BadInput)


def test_an_answer_that_is_not_about_trust_is_left_to_others() -> None:
    assert chaining.refusal("Throttling", "Rate exceeded", SECOND, "") is None
