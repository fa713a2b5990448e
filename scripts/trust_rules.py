"""Rules for trust policies, which no linter knows: who else could come in through this one?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

ISSUER = "token.actions.githubusercontent.com"
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
FOR_INSTANCES = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
PATTERNS = frozenset("*?")


def trust_problems(policy: Mapping[str, Any], exactly: bool = False) -> Iterator[str]:
    """What is wrong with a trust policy of ours: it trusts EC2, or the runs of one repository of GitHub.

    `exactly`: those whose `sub` is named, not any that matches a pattern.
    """
    for statement in policy["Statement"]:
        if statement.get("Action") == WEB_IDENTITY:
            yield from _by_token(statement, exactly)
        elif {key: value for key, value in statement.items() if key != "Sid"} != FOR_INSTANCES:
            yield f"a statement trusts neither EC2 alone nor GitHub's tokens: {statement}"


def _by_token(statement: Mapping[str, Any], exactly: bool) -> Iterator[str]:
    provider = statement.get("Principal", {}).get("Federated")
    if not isinstance(provider, str) or not provider.endswith(f":oidc-provider/{ISSUER}"):
        yield f"the provider is {provider!r}, not the one for {ISSUER}"
    condition = statement.get("Condition", {})
    yield from _operators(condition)
    exact, like = condition.get("StringEquals", {}), condition.get("StringLike", {})
    for claim in ("aud", "repository_id"):
        if not exact.get(f"{ISSUER}:{claim}"):
            yield f"{claim} is not pinned with StringEquals"
    if exactly and f"{ISSUER}:sub" in like:
        yield "sub is matched with StringLike: who changes something names it with StringEquals"
    yield from _subjects(_listed(exact.get(f"{ISSUER}:sub")), _listed(like.get(f"{ISSUER}:sub")))


def _operators(condition: Mapping[str, Any]) -> Iterator[str]:
    """Only those that are false for a claim that is missing: ForAllValues and …IfExists let such a token in."""
    for operator in condition:
        if operator not in ("StringEquals", "StringLike"):
            yield f"the operator {operator} has no place in a trust policy"


def _subjects(exact: list[str], like: list[str]) -> Iterator[str]:
    """One of both must be there; a pattern may leave open how a repository runs, never which repository."""
    if not exact and not like:
        yield "sub is not asked for: every job of GitHub has the right audience"
    for subject in exact:
        if PATTERNS & set(subject):
            yield f"sub {subject!r} is a pattern where patterns are not read as such"
    for subject in like:
        kind, _, rest = subject.partition(":")
        repository, colon, _ = rest.partition(":")
        if kind != "repo" or "/" not in repository or not colon or PATTERNS & set(repository):
            yield f"sub {subject!r} does not say which repository"


def _listed(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value
