"""A role that does not let a job in: the message holds the trust policy that would."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployer.aws import trust
from deployer.core.errors import BadInput, DeployError

ROLE = "arn:aws:iam::123456789012:role/shop-deploy"
CLAIMS: dict[str, Any] = {
    "iss": "https://token.actions.githubusercontent.com",
    "aud": "sts.amazonaws.com",
    "sub": "repo:acme/shop:ref:refs/heads/main",
    "repository": "acme/shop",
    "repository_id": "222",
    "repository_owner_id": "111",
    "ref": "refs/heads/main",
    "jti": "not-to-be-shown",
}
PRODUCTION = {**CLAIMS, "sub": "repo:acme@111/shop@222:environment:production", "environment": "production"}


def denial(claims: dict[str, Any]) -> DeployError:
    refusal = trust.refusal("AccessDenied", "Not authorized to perform it", ROLE, claims)
    assert refusal is not None
    return refusal


def condition_in(fix: str) -> dict[str, Any]:
    text = fix[fix.index('"Condition": ') + len('"Condition": ') :]
    condition: dict[str, Any]
    condition, _ = json.JSONDecoder().raw_decode(text)
    return condition


def test_a_denial_shows_the_tokens_own_claims_and_nothing_more() -> None:
    refusal = denial(PRODUCTION)
    for claim in ("sub", "aud", "repository_id", "ref", "environment"):
        assert f"{claim}: {PRODUCTION[claim]}" in refusal.fix
    assert ROLE in refusal.what
    assert "not-to-be-shown" not in str(refusal)


@pytest.mark.parametrize("claims", [CLAIMS, {**CLAIMS, "sub": "repo:acme@111/shop@222:ref:refs/heads/main"}])
def test_the_condition_to_paste_has_both_forms_of_the_subject(claims: dict[str, Any]) -> None:
    issuer = "token.actions.githubusercontent.com"
    condition = condition_in(denial(claims).fix)["StringEquals"]
    assert condition[f"{issuer}:aud"] == "sts.amazonaws.com"
    assert condition[f"{issuer}:repository_id"] == "222"
    assert set(condition[f"{issuer}:sub"]) == {
        "repo:acme/shop:ref:refs/heads/main",
        "repo:acme@111/shop@222:ref:refs/heads/main",
    }
    assert condition[f"{issuer}:sub"][0] == claims["sub"]


def test_an_environment_is_named_as_what_replaced_the_branch_in_the_subject() -> None:
    fix = denial(PRODUCTION).fix
    assert "`environment: production`" in fix
    assert '"token.actions.githubusercontent.com:ref": "refs/heads/main"' in fix


def test_a_job_without_environment_is_told_where_one_would_go() -> None:
    assert "add `environment: NAME` to the job" in denial(CLAIMS).fix


@pytest.mark.parametrize("sub", ["repository_owner:acme:job_workflow_ref:x", "repo:acme/shop:a:b:c", ""])
def test_an_unusual_subject_comes_first_as_it_is(sub: str) -> None:
    assert trust.subjects({"sub": sub})[0] == sub


def test_without_ids_only_the_form_without_ids_is_offered() -> None:
    assert trust.subjects({"sub": CLAIMS["sub"]}) == [CLAIMS["sub"]]


def test_the_condition_of_an_enterprise_names_its_own_issuer() -> None:
    claims = {**CLAIMS, "iss": "https://token.actions.githubusercontent.com/acme"}
    assert "token.actions.githubusercontent.com/acme:sub" in trust.condition(claims)["StringEquals"]


def test_a_missing_identity_provider_comes_with_the_command_that_makes_it() -> None:
    message = "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com"
    refusal = trust.refusal("InvalidIdentityToken", message, ROLE, CLAIMS)
    assert refusal is not None
    assert "123456789012" in refusal.what
    assert "--url https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com" in refusal.fix


def test_a_provider_of_another_audience_comes_with_the_command_that_adds_ours() -> None:
    china = "arn:aws-cn:iam::123456789012:role/shop-deploy"
    refusal = trust.refusal("InvalidIdentityToken", "Incorrect token audience", china, CLAIMS)
    assert refusal is not None
    assert (
        "arn:aws-cn:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
        " --client-id sts.amazonaws.com" in refusal.fix
    )


def test_a_session_longer_than_the_role_allows_is_bad_input() -> None:
    message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    assert isinstance(trust.refusal("ValidationError", message, ROLE, CLAIMS), BadInput)


@pytest.mark.parametrize(
    ("code", "message"),
    [("Throttling", ""), ("ValidationError", "1 validation error"), ("PackedPolicyTooLarge", "")],
)
def test_an_answer_that_is_not_about_trust_is_left_to_others(code: str, message: str) -> None:
    assert trust.refusal(code, message, ROLE, CLAIMS) is None
