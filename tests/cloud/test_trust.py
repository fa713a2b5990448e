"""The trust policy a refusal offers is the one that helps: pasted into the role, it lets the same job in.

Against the local cloud, whose STS verifies tokens and evaluates trust policies as AWS does.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from deployer.aws.session import Session, open_session
from deployer.core.errors import DeployError, Refused
from deployer.github.console import console_for
from deployer.inputs import Access
from localcloud.aws.identity import Identity
from localcloud.aws.moto_seams import ACCOUNT, Books, forget_everything
from localcloud.aws.operations import Operations
from localcloud.aws.server import Server
from localcloud.github.issuer import Job
from localcloud.github.server import PREFIX, GitHub

REGION = "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop-deploy"
ISSUER = "https://token.actions.githubusercontent.com"


@dataclass
class Identities:
    """The corner of the local cloud that decides who gets in."""

    github: GitHub
    iam: Any

    def provide(self, audience: str = "sts.amazonaws.com") -> None:
        """Registers GitHub as an identity provider of the account."""
        self.iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=[audience])

    def trust(self, condition: dict[str, Any]) -> None:
        """Makes the role if need be, and has it trust what `condition` says."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER.removeprefix('https://')}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        if any(each["Arn"] == ROLE for each in self.iam.list_roles()["Roles"]):
            self.iam.update_assume_role_policy(RoleName="shop-deploy", PolicyDocument=policy)
        else:
            self.iam.create_role(RoleName="shop-deploy", AssumeRolePolicyDocument=policy)

    def assume(self) -> Session:
        """What every command does first."""
        environment = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_RUN_ID": "77",
            "GITHUB_RUN_ATTEMPT": "2",
            "ACTIONS_ID_TOKEN_REQUEST_URL": self.github.token_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.github.issuer.request_token,
        }
        access = Access(role_to_assume=ROLE, aws_region=REGION)
        return open_session(access, console_for(environment, machine_readable=False), environment)

    def refusal(self) -> DeployError:
        """The refusal there must be."""
        with pytest.raises(Refused) as refused:
            self.assume()
        return refused.value


@pytest.fixture
def identities(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Identities]:
    with ExitStack() as stack:
        server = Server(threading.RLock())
        stack.callback(server.close)
        forget_everything()
        github = GitHub(server.origin)
        server.mount(PREFIX, github)
        operations = Operations()
        stack.callback(operations.close)
        operations.replace("sts", Identity(Books(REGION), github.issuer).handlers())
        server.start()
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.origin)
        keys = {"aws_access_key_id": "operator", "aws_secret_access_key": "operator"}
        yield Identities(github, boto3.client("iam", region_name=REGION, **keys))


def condition_in(fix: str) -> dict[str, Any]:
    text = fix[fix.index('"Condition": ') + len('"Condition": ') :]
    condition: dict[str, Any]
    condition, _ = json.JSONDecoder().raw_decode(text)
    return condition


SOMEBODY_ELSE = {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:somebody/else:pull_request"}}


@pytest.mark.parametrize(
    "job",
    [
        Job(immutable_subject=False),
        Job(immutable_subject=True),
        Job(environment="production"),
        Job(environment="production", immutable_subject=False),
        Job(environment="eu: blue"),
        Job(event_name="pull_request", ref="refs/pull/7/merge"),
        Job(ref="refs/tags/v1.2.3"),
    ],
    ids=["branch, names", "branch, ids", "environment, ids", "environment, names", "colon", "pull", "tag"],
)
def test_the_condition_a_refusal_offers_lets_the_same_job_in(identities: Identities, job: Job) -> None:
    identities.github.issuer.job = job
    identities.provide()
    identities.trust(SOMEBODY_ELSE)
    refusal = identities.refusal()
    assert f"sub: {job.subject}" in refusal.fix
    identities.trust(condition_in(refusal.fix))
    session = identities.assume()
    assert session.caller_arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/shop-deploy/gha-77-2"


def test_the_condition_lets_nobody_else_in(identities: Identities) -> None:
    identities.provide()
    identities.trust(SOMEBODY_ELSE)
    identities.trust(condition_in(identities.refusal().fix))
    for other in (
        Job(ref="refs/heads/feature"),
        Job(environment="staging"),
        Job(repository="awesomeorange/other", repository_id="5"),
        Job(immutable_subject=False, repository_id="5"),  # a namesake of a deleted repository
    ):
        identities.github.issuer.job = other
        assert "trust policy" in identities.refusal().what


def test_the_condition_still_holds_when_the_repository_gets_ids_in_its_subject(identities: Identities) -> None:
    identities.github.issuer.job = Job(immutable_subject=False)
    identities.provide()
    identities.trust(SOMEBODY_ELSE)
    identities.trust(condition_in(identities.refusal().fix))
    identities.github.issuer.job = Job(immutable_subject=True)
    assert identities.assume().account_id == ACCOUNT


def test_a_role_that_does_not_exist_is_refused_like_one_that_does_not_trust(identities: Identities) -> None:
    identities.provide()
    assert "or there is no such role" in identities.refusal().what


def test_an_account_without_github_as_identity_provider_is_told_how_to_make_it_one(identities: Identities) -> None:
    assert "create-open-id-connect-provider" in identities.refusal().fix


def test_a_provider_for_another_audience_is_told_which_to_add(identities: Identities) -> None:
    identities.provide(audience="https://github.com/acme")
    assert "--client-id sts.amazonaws.com" in identities.refusal().fix
