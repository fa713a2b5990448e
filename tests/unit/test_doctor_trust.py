"""What is made of a role's trust policy: the one of the template, and others that people write."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.core.errors import BadInput, Denied
from deployer.doctor.finding import Finding, State
from deployer.doctor.trust import ISSUER, role, trust
from deployer.infra.roles import identity_roles
from tests.unit.examined import ACCOUNT, REGION, ROLE, refused, situation
from tests.unit.identity import LEAST

PARAMETERS = {**LEAST, "Environment": "production"}
OURS = identity_roles(PARAMETERS, ACCOUNT, REGION)["Deployer"].trust


def trusting(policy: Any) -> Finding:
    return trust(situation({"role_to_assume": ROLE}, get_role={"Role": {"AssumeRolePolicyDocument": policy}}))


def statement(*conditions: tuple[str, str, Any], **changes: Any) -> dict[str, Any]:
    """One that lets in holders of GitHub's tokens; conditions as operator, claim, value."""
    condition: dict[str, dict[str, Any]] = {}
    for operator, claim, value in conditions:
        condition.setdefault(operator, {})[f"{ISSUER}:{claim}"] = value
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
    found = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity"}
    return {"Statement": [{**found, "Condition": condition, **changes}]}


AUD = ("StringEquals", "aud", "sts.amazonaws.com")
SUB = ("StringEquals", "sub", "repo:acme/orange:environment:production")


def test_the_template_lets_in_one_repository_in_both_forms_of_its_sub() -> None:
    found = trusting(OURS)
    assert found.state is State.OK
    assert "repo:acme/orange:environment:production" in found.said
    assert "repo:acme@111/orange@222:environment:production" in found.said


@pytest.mark.parametrize(
    "conditions",
    [
        (AUD, SUB),
        (AUD, ("StringLike", "sub", "repo:acme/orange:*")),
        (AUD, ("StringLike", "sub", "repo:acme/*")),
        (AUD, ("StringEquals", "repository_id", "222")),
        (AUD, ("StringLike", "sub", "repo:*"), ("StringEquals", "repository_id", "222")),
        (AUD, SUB, ("StringLike", "sub", "repo:*")),
        (AUD, ("StringLike", "repository", "acme/*")),
    ],
)
def test_what_pins_an_owner_is_let_pass(conditions: tuple[tuple[str, str, Any], ...]) -> None:
    assert trusting(statement(*conditions)).state is State.OK


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ((SUB,), "no audience"),
        ((AUD,), "every repository on GitHub"),
        ((AUD, ("ForAllValues:StringEquals", "sub", "repo:acme/orange:*")), "every repository on GitHub"),
        ((AUD, ("StringLike", "sub", "*")), "sub may be *"),
        ((AUD, ("StringLike", "sub", "repo:*")), "sub may be repo:*"),
        ((AUD, ("StringLike", "sub", "repo:????/*")), "sub may be repo:????/*"),
        ((("StringLike", "aud", "*"), SUB), "no audience"),
        ((AUD, ("StringLike", "repository_id", "*")), "repository_id may be *"),
        (
            (AUD, ("StringLike", "repository", "*/orange"), ("StringLike", "sub", "repo:*")),
            "repository may be */orange",
        ),
        ((AUD, ("StringLike", "sub", ["repo:acme/orange:*", "repo:acme*/orange:*"])), "sub may be repo:acme*/orange:*"),
    ],
)
def test_what_lets_in_strangers_is_a_problem(conditions: tuple[tuple[str, str, Any], ...], said: str) -> None:
    found = trusting(statement(*conditions))
    assert (found.state, said in found.said) == (State.PROBLEM, True), found
    assert "infra/identity.yml" in found.fix


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Deny"},
        {"Principal": {"Service": "ec2.amazonaws.com"}},
        {"Principal": "*"},
        {"Action": "sts:AssumeRole"},
    ],
)
def test_a_role_that_lets_in_no_job_at_all(changes: dict[str, Any]) -> None:
    found = trusting(statement(AUD, SUB, **changes))
    assert (found.state, found.said) == (State.PROBLEM, f"{ROLE} lets in no job of GitHub Actions")


def test_a_policy_may_hold_one_statement_outside_a_list() -> None:
    [alone] = statement(AUD, SUB)["Statement"]
    assert trusting({"Statement": alone}) == trusting(statement(AUD, SUB))
    assert trusting({"Statement": alone}).state is State.OK


def test_a_role_that_is_not_there() -> None:
    with pytest.raises(BadInput, match="there is no role"):
        role(situation({"role_to_assume": ROLE}, get_role=refused("NoSuchEntityException")))


def test_who_may_not_read_roles_is_denied_by_the_name_of_the_permission() -> None:
    with pytest.raises(Denied) as denied:
        role(situation({"role_to_assume": ROLE}))
    assert denied.value.action == "iam:GetRole"


def test_no_role_is_nothing_to_look_at() -> None:
    assert role(situation()).state is State.NOT_CHECKED
