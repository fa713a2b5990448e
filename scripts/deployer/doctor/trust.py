"""Whom the deployer's role lets in, read from its trust policy: what a job's token is compared with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.doctor.finding import Finding, not_checked, ok, problem
from deployer.doctor.situation import Situation

ISSUER = "token.actions.githubusercontent.com"
ACTION = "sts:AssumeRoleWithWebIdentity"

OWNED = {"sub", "repository", "repository_id"}
"""Claims that say whose repository a job is of."""
_LOOSE = {
    "aud": r".*[*?]",
    "sub": r"(repo:)?[^/:@]*[*?]",
    "repository": r"[^/]*[*?]",
    "repository_id": r".*[*?]",
}
"""A pattern where it says nobody in particular."""

_FIX = (
    "update the stack of infra/identity.yml, whose role Deployer lets in one repository, in one environment or on one"
    " branch; `scripts/run render --what policies` prints its trust policy"
)


def role(situation: Situation) -> Finding:
    """The role that jobs are to assume is there."""
    if not situation.inputs.role_to_assume:
        return not_checked("no role-to-assume is given")
    return ok("is there") if situation.trust_policy else problem("lets nobody in", _FIX)


def trust(situation: Situation) -> Finding:
    """It lets in runs of GitHub Actions: of somebody in particular."""
    arn, statements = situation.inputs.role_to_assume, tuple(_for_github(situation.trust_policy))
    if not statements:
        return problem(f"{arn} lets in no job of GitHub Actions", _FIX)
    for each in statements:
        if wrong := _too_wide(_claims(each)):
            return problem(f"{arn} {wrong}", _FIX)
    subjects = [text for each in statements for claim, texts in _claims(each) if claim == "sub" for text in texts]
    return ok(f"lets in {', '.join(subjects) or 'by other claims than sub'}")


def _for_github(policy: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The statements that let in holders of GitHub's tokens."""
    found = policy.get("Statement", ())
    for each in [found] if isinstance(found, Mapping) else found:
        principal = each.get("Principal", {})
        providers = _list(principal.get("Federated") if isinstance(principal, Mapping) else None)
        named = any(provider.endswith(f"oidc-provider/{ISSUER}") for provider in providers)
        if each.get("Effect") == "Allow" and named and ACTION in _list(each.get("Action")):
            yield each


def _claims(statement: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """What claims must be, by their names; other conditions and operators that a missing claim fulfils left out."""
    return [
        (key.removeprefix(f"{ISSUER}:"), _list(value))
        for operator, operands in statement.get("Condition", {}).items()
        if operator.removeprefix("ForAnyValue:") in ("StringEquals", "StringEqualsIgnoreCase", "StringLike")
        for key, value in operands.items()
        if key.startswith(f"{ISSUER}:")
    ]


def _too_wide(claims: list[tuple[str, list[str]]]) -> str:
    """What would let in who is not meant; "" where nothing does."""
    pinned = {claim for claim, values in claims if claim in _LOOSE and values and not _loose(claim, values)}
    if "aud" not in pinned:
        return "asks for no audience (aud) in particular"
    if pinned & OWNED:
        return ""
    loose = [f"{claim} may be {value}" for claim, values in claims if claim in OWNED for value in _loose(claim, values)]
    if not loose:
        return "lets in every repository on GitHub: it asks for no sub"
    return f"lets in more than one owner's repositories: {loose[0]}"


def _loose(claim: str, values: list[str]) -> list[str]:
    """Those that more than one audience, or repositories of more than one owner, have."""
    return [each for each in values if re.match(_LOOSE[claim], each)]


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
