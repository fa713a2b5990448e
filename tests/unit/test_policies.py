"""The look at policies that `make check` takes, shown one fault after the other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

import policies
from deployer.infra.roles import identity_roles
from policies import Finding
from trust_rules import trust_problems

ISSUER = "token.actions.githubusercontent.com"
Trust = dict[str, Any]


def statement(action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "One", "Effect": "Allow", "Action": action, "Resource": resource, **more}],
    }


def found(policy: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each.tool, each.finding) for each in policies.findings(policy)}


def test_nothing_is_wrong_with_ours() -> None:
    assert policies.problems() == []


def test_an_exception_nobody_needs_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = Finding("parliament", "RESOURCE_STAR", "Gone", "s3:GetObject")
    known = policies.exceptions()
    monkeypatch.setattr(policies, "exceptions", lambda: known | {extra})

    assert policies.problems() == [f"scripts/policy-exceptions.yml explains what nobody finds: {extra}"]


def test_a_finding_nobody_explained_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "exceptions", frozenset)

    assert any("orange-web-deployer: parliament: RESOURCE_MISMATCH" in each for each in policies.problems())


@pytest.mark.parametrize(
    ("policy", "finding"),
    [
        (statement("ssm:SendCommands", "*"), ("parliament", "UNKNOWN_ACTION")),
        (statement("s3:*", "*"), ("cloudsplaining", "service_wildcard")),
        (statement("s3:GetObject", "*"), ("cloudsplaining", "allows_data_exfiltration_actions")),
        (statement("s3:PutObject", "*"), ("cloudsplaining", "write_actions_without_constraints")),
        (statement("iam:CreateAccessKey", "*"), ("cloudsplaining", "allows_privilege_escalation")),
        (
            statement("s3:GetObject", "arn:aws:s3:::b/*", Condition={"StringEquals": {"s3:prefixx": "a"}}),
            ("parliament", "UNKNOWN_CONDITION_FOR_ACTION"),
        ),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_a_fault_is_found(policy: dict[str, Any], finding: tuple[str, str]) -> None:
    assert finding in found(policy)


def deployer_trust() -> Trust:
    trust = identity_roles(policies.FULL, policies.ACCOUNT, policies.REGION)["Deployer"].trust
    return copy.deepcopy(dict(trust))


def without(operator: str, claim: str) -> Callable[[Trust], object]:
    return lambda trust: trust["Statement"][0]["Condition"][operator].pop(f"{ISSUER}:{claim}")


def with_condition(operator: str, claim: str, value: Any) -> Callable[[Trust], object]:
    return lambda trust: (
        trust["Statement"][0]["Condition"].setdefault(operator, {}).update({f"{ISSUER}:{claim}": value})
    )


def with_part(name: str, value: Any) -> Callable[[Trust], object]:
    return lambda trust: trust["Statement"][0].update({name: value})


def test_our_own_trust_is_fine() -> None:
    assert list(trust_problems(deployer_trust(), exactly=True)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("StringEquals", "aud"), "aud is not pinned"),
        (without("StringEquals", "repository_id"), "repository_id is not pinned"),
        (without("StringEquals", "sub"), "sub is not asked for"),
        (with_condition("StringEquals", "sub", "repo:acme/orange:*"), "is a pattern where"),
        (with_condition("StringLike", "sub", "repo:acme/*"), "does not say which repository"),
        (with_condition("StringLike", "sub", "*"), "does not say which repository"),
        (with_condition("StringLike", "sub", "repo:acme/orange:*"), "matched with StringLike"),
        (with_condition("ForAllValues:StringEquals", "ref", ["refs/heads/main"]), "ForAllValues:StringEquals"),
        (with_condition("StringEqualsIfExists", "environment", "production"), "StringEqualsIfExists"),
        (with_part("Principal", {"Federated": "*"}), "the provider is '*'"),
        (with_part("Principal", {"AWS": "*"}), "the provider is None"),
        (with_part("Action", "sts:AssumeRole"), "trusts neither EC2 alone nor GitHub's tokens"),
    ],
)
def test_a_trust_policy_that_lets_others_in_is_found(change: Callable[[Trust], object], said: str) -> None:
    trust = deployer_trust()
    change(trust)

    assert said in "; ".join(trust_problems(trust, exactly=True))


def test_a_role_for_instances_trusts_ec2_alone() -> None:
    trust = identity_roles(policies.LEAST, policies.ACCOUNT, policies.REGION)["Instance"].trust
    wider = copy.deepcopy(dict(trust))
    wider["Statement"][0]["Principal"] = {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}

    assert list(trust_problems(trust)) == []
    assert len(list(trust_problems(wider))) == 1
