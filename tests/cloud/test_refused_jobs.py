"""Every other way a job can fail to get its role: what it is told, and that doing as told helps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from localcloud.aws.account import ACCOUNT
from tests.cloud.identities import ISSUER, PROVIDER, ROLE, Identities, condition_in, json_after

HOST = ISSUER.removeprefix("https://")
EVERYBODY = {"StringLike": {f"{HOST}:sub": "repo:*"}}
SECOND = f"arn:aws:iam::{ACCOUNT}:role/shop-admin"
NO_TOKENS = {"ACTIONS_ID_TOKEN_REQUEST_URL": "", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}


@pytest.fixture
def trusted(identities: Identities) -> Identities:
    """An account whose role trusts every job."""
    identities.provide()
    identities.trust(EVERYBODY)
    return identities


def test_a_job_without_the_permission_gets_the_yaml(trusted: Identities) -> None:
    ran = trusted.deploy("assume-role", **NO_TOKENS)
    assert ran.code == 2
    assert "it lacks the permission `id-token: write`" in ran.text
    start = ran.text.index("permissions:\n")
    assert yaml.safe_load(ran.text[start:].partition("\n**")[0].partition("\n```")[0]) == {
        "permissions": {"id-token": "write", "contents": "read"}
    }


def test_a_pull_request_of_a_fork_is_told_that_it_never_gets_a_token(trusted: Identities, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    ends = {"head": {"repo": {"full_name": "fork/orange"}}, "base": {"repo": {"full_name": "awesomeorange/orange"}}}
    event.write_text(json.dumps({"pull_request": ends}))
    of_a_fork = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event)}
    ran = trusted.deploy("assume-role", **NO_TOKENS, **of_a_fork)
    assert ran.code == 2
    assert "never gives OIDC tokens to runs of a fork's pull request" in ran.text


def test_a_shell_is_told_to_use_its_own_credentials(trusted: Identities) -> None:
    ran = trusted.deploy("assume-role", **NO_TOKENS, GITHUB_ACTIONS="")
    assert ran.code == 2
    assert "role-to-assume needs a GitHub Actions job" in ran.text


def test_an_account_without_the_provider_gets_the_command_that_makes_it(identities: Identities) -> None:
    identities.trust(EVERYBODY)
    ran = identities.deploy()
    assert ran.code == 1
    assert f"account {ACCOUNT} has no identity provider for {HOST}" in ran.text
    made = re.search(r"create-open-id-connect-provider --url (\S+) --client-id-list (\S+)", ran.text)
    assert made
    identities.iam.create_open_id_connect_provider(Url=made[1], ClientIDList=[made[2]])
    assert identities.deploy().code == 0


def test_a_provider_without_the_audience_gets_the_command_that_adds_it(identities: Identities) -> None:
    identities.provide("https://github.com/awesomeorange")
    identities.trust(EVERYBODY)
    ran = identities.deploy("assume-role", "--audience", "tenant-7")
    assert ran.code == 1
    assert f"the identity provider of account {ACCOUNT} does not know the audience tenant-7" in ran.text
    added = re.search(r"--open-id-connect-provider-arn (\S+) --client-id (\S+)", ran.text)
    assert added
    assert added[1] == PROVIDER
    identities.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=added[1])  # moto cannot add to it
    identities.provide(added[2])
    assert identities.deploy("assume-role", "--audience", "tenant-7").code == 0


def test_a_role_that_is_not_there_is_refused_like_one_that_does_not_trust(identities: Identities) -> None:
    identities.provide()
    ran = identities.deploy()
    assert ran.code == 1
    assert f"the trust policy of {ROLE} does not match this job's token (or there is no such role)" in ran.text
    identities.trust(condition_in(ran.text))
    assert identities.deploy().code == 0


def test_a_token_that_is_over_is_tried_anew_and_then_said(trusted: Identities) -> None:
    trusted.github.issuer.lifetime = -10
    ran = trusted.deploy()
    assert ran.code == 1
    assert "the job's token was over when STS saw it, and so was a new one" in ran.text
    assert len(trusted.tokens) == 3


def test_a_session_longer_than_the_role_allows_is_bad_input(trusted: Identities) -> None:
    ran = trusted.deploy("assume-role", "--role-duration-seconds", "7200")
    assert ran.code == 2
    assert f"{ROLE} allows no session as long as role-duration-seconds" in ran.text
    assert len(trusted.tokens) == 1


def test_a_role_of_an_account_not_allowed_is_refused_before_anybody_is_asked(trusted: Identities) -> None:
    ran = trusted.deploy("assume-role", "--allowed-account-ids", "210987654321")
    assert ran.code == 2
    assert f"the credentials belong to account {ACCOUNT}; allowed is 210987654321" in ran.text
    assert not trusted.tokens


def test_ambient_credentials_of_an_account_not_allowed_are_refused(
    trusted: Identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = trusted.make_user("somebody")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    ran = trusted.deploy("assume-role", "--allowed-account-ids", "210987654321", INPUT_ROLE_TO_ASSUME="")
    assert ran.code == 2
    assert f"the credentials belong to account {ACCOUNT}" in ran.text


def test_ambient_credentials_that_are_over_are_said_to_be(trusted: Identities, monkeypatch: pytest.MonkeyPatch) -> None:
    over = trusted.books.open_role_session(ROLE, "i-1", seconds=0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", over.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", over.secret_access_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", over.session_token)
    ran = trusted.deploy("assume-role", "--allowed-account-ids", ACCOUNT, INPUT_ROLE_TO_ASSUME="")
    assert ran.code == 1
    assert "sts:GetCallerIdentity was refused: the AWS credentials have expired" in ran.text
    assert "ambient ones must outlive it" in ran.text
    ran = trusted.deploy("assume-role", "--role-chain-to", SECOND, INPUT_ROLE_TO_ASSUME="")
    assert ran.code == 1
    assert f"sts:AssumeRole for {SECOND} was refused: the AWS credentials have expired" in ran.text


def test_a_token_service_that_says_no_is_quoted_with_the_yaml(trusted: Identities) -> None:
    ran = trusted.deploy("assume-role", ACTIONS_ID_TOKEN_REQUEST_TOKEN="of-another-job")
    assert ran.code == 1
    assert "GitHub refused to mint an OIDC token (HTTP 401)" in ran.text
    assert "id-token: write" in ran.text


def test_a_role_that_may_not_hand_on_gets_both_statements_and_they_help(trusted: Identities) -> None:
    chained = ("assume-role", "--role-chain-to", SECOND, "--role-external-id", "tenant-7")
    trusted.trust_by("shop-admin", {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"})
    ran = trusted.deploy(*chained)
    assert ran.code == 1
    assert f"sts:AssumeRole was refused: {ROLE} may not assume {SECOND}" in ran.text
    assert "the trust policy must have the very same text under sts:ExternalId" in ran.text
    asks = json_after(f"a policy of {ROLE} needs this statement", ran.text)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [asks]})
    trusted.iam.put_role_policy(RoleName="shop-deploy", PolicyName="chain", PolicyDocument=policy)
    trusted.trust_by("shop-admin", json_after(f"the trust policy of {SECOND} this one", ran.text))
    assert trusted.deploy(*chained).code == 0
    ran = trusted.deploy(*chained[:3])
    assert ran.code == 1
    assert "if the trust policy asks for sts:ExternalId, give its text as role-external-id" in ran.text
    assert trusted.deploy(*chained[:4], "tenant-8").code == 1


def test_more_groups_than_a_session_policy_holds_are_refused_before_anybody_is_asked(trusted: Identities) -> None:
    groups = ",".join(f"orange-web-in-a-place-with-a-long-name-{number}" for number in range(9))
    words = ["--app", "orange", "--bucket", "orange-releases", "--auto-scaling-group", groups, "--version", "v1"]
    ran = trusted.deploy("rollout", *words)
    assert ran.code == 2
    assert "the session policy for what this command reaches has " in ran.text
    assert "narrow-session: false" in ran.text
    assert not trusted.tokens
    assert "the session policy" not in trusted.deploy("rollout", *words, "--narrow-session", "false").text
    assert trusted.tokens


def test_a_refusal_is_the_same_from_a_process_of_its_own(identities: Identities) -> None:
    identities.provide()
    ran = identities.deploy_in_a_process_of_its_own("assume-role")
    assert ran.code == 1
    assert condition_in(ran.text) == condition_in(identities.deploy().text)
    as_json = identities.deploy_in_a_process_of_its_own("assume-role", "--json")
    assert as_json.code == 1
    assert identities.tokens
