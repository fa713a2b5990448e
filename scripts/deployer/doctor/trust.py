"""Whom the deployer's role lets in, read from its trust policy: what a job's token is compared with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.doctor.finding import Finding, not_checked, ok, problem
from deployer.doctor.situation import Situation

ISSUER = "token.actions.githubusercontent.com"
ACTION = "sts:AssumeRoleWithWebIdentity"

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
        if wrong := _too_wide(_conditions(each)):
            return problem(f"{arn} {wrong}", _FIX)
    subjects = [text for each in statements for text in _conditions(each).get("sub", ())]
    return ok(f"lets in {', '.join(subjects) or 'by other claims than sub'}")


def _for_github(policy: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The statements that let in holders of GitHub's tokens."""
    for each in policy.get("Statement", ()):
        principal = each.get("Principal", {})
        providers = _list(principal.get("Federated") if isinstance(principal, Mapping) else None)
        named = any(provider.endswith(f"oidc-provider/{ISSUER}") for provider in providers)
        if each.get("Effect") == "Allow" and named and ACTION in _list(each.get("Action")):
            yield each


def _conditions(statement: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """What each claim must be, by its name; other conditions and operators that a missing claim fulfils left out."""
    found: dict[str, list[str]] = {}
    for operator, operands in statement.get("Condition", {}).items():
        if operator in ("StringEquals", "StringLike", "ForAnyValue:StringEquals", "ForAnyValue:StringLike"):
            for key, value in operands.items():
                if key.startswith(f"{ISSUER}:"):
                    found[key.removeprefix(f"{ISSUER}:")] = _list(value)
    return found


def _too_wide(conditions: Mapping[str, list[str]]) -> str:
    """What would let in who is not meant; "" where nothing does."""
    if not conditions.get("aud"):
        return "asks for no audience (aud)"
    named = conditions.get("repository_id") or conditions.get("repository")
    if not named and not conditions.get("sub"):
        return "lets in every repository on GitHub: it asks for no sub"
    wide = [each for each in conditions.get("sub", ()) if re.match(r"(repo:)?[^/:@]*\*", each)]
    return f"lets in more than one owner's repositories: sub may be {wide[0]}" if wide and not named else ""


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
