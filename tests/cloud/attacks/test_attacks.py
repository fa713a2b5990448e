"""What must be refused, each over HTTP and for the reason it must be refused for: see docs/security.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.options import CloudOptions
from tests.cloud.attacks.attack_requests import DEPLOYER, EVERYBODY, NEW, NO_POLICY, Attack, get, parameter, put
from tests.cloud.attacks.attack_tokens import TOKENS, Token, of_job
from tests.cloud.attacks.attacks_of_a_runner import STOLEN_RUNNER
from tests.cloud.attacks.attacks_of_others import COMPROMISED_INSTANCE, MONITORING_HOST, PULL_REQUEST, STOLEN_JANITOR
from tests.cloud.attacks.two_teams import BUCKET, RELEASE, TwoTeams
from tests.cloud.client import client_with
from tests.cloud.conftest import QUICK

NO_SESSION_POLICY = "because no session policy allows the {action} action"
ATTACKS = (*STOLEN_RUNNER, *COMPROMISED_INSTANCE, *MONITORING_HOST, *PULL_REQUEST, *STOLEN_JANITOR)


@pytest.fixture(scope="module")
def teams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoTeams]:
    state = tmp_path_factory.mktemp("cloud")
    quick = CloudOptions(state, instances=1, runtime="process", user_data=QUICK, launch_hook=False)
    with Cloud(replace(quick, target_group=True, environment="")) as cloud:
        teams = TwoTeams(cloud)
        teams.furnish()
        yield teams


@pytest.mark.parametrize("attack", TOKENS, ids=lambda each: each.name)
def test_a_token_that_must_open_no_role(teams: TwoTeams, attack: Token) -> None:
    with pytest.raises(ClientError) as refused:
        teams.assume(attack.made(teams.cloud.github.issuer), attack.role)
    error = refused.value.response["Error"]
    assert error["Code"] == attack.code
    assert attack.message in error["Message"]


def test_the_tokens_that_do_open_a_role_are_of_our_repository_branch_and_environment(teams: TwoTeams) -> None:
    issuer = teams.cloud.github.issuer
    assert teams.assume(of_job()(issuer))
    assert teams.assume(of_job(immutable_subject=False)(issuer))
    assert teams.assume(of_job(environment="production")(issuer), "orange-staged-deployer")
    assert teams.assume(of_job(event_name="pull_request", ref="refs/pull/7/merge")(issuer), "orange-web-status")
    assert teams.assume(of_job(environment="housekeeping")(issuer), "orange-web-janitor")


def denial(teams: TwoTeams, call: Callable[[], Any]) -> tuple[str, str]:
    """Code and message of what must be denied, and is expected to be."""
    with teams.cloud.expecting_denials(), pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: f"{each.by.rpartition('-')[2]}-{each.name}")
def test_a_request_that_must_be_denied(teams: TwoTeams, attack: Attack) -> None:
    code, message = denial(teams, lambda: attack.call(teams.by(attack.by, attack.service), teams))
    assert code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
    assert f":assumed-role/{attack.by}/" in message
    assert f"is not authorized to perform: {attack.denied} " in message
    assert message.endswith(attack.why.format(action=attack.denied))


def test_none_of_them_has_changed_anything(teams: TwoTeams) -> None:
    assert teams.account() == teams.before


def test_a_release_that_is_there_is_not_written_over_by_who_may_create_releases(teams: TwoTeams) -> None:
    with pytest.raises(ClientError, match="PreconditionFailed"):
        put(RELEASE, **NEW)(teams.by(DEPLOYER, "s3"), teams)


def test_a_session_policy_cannot_be_exceeded_by_what_the_role_may(teams: TwoTeams) -> None:
    only_reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [only_reads]})
    s3 = client_with(teams.cloud, "s3", teams.assume(of_job()(teams.cloud.github.issuer), Policy=policy))
    assert get(RELEASE)(s3, teams)
    _, message = denial(teams, lambda: put("orange/releases/v9/release.json", **NEW)(s3, teams))
    assert message.endswith(NO_SESSION_POLICY.format(action="s3:PutObject"))


def test_a_session_policy_gives_nothing_that_the_role_may_not(teams: TwoTeams) -> None:
    session = teams.assume(of_job()(teams.cloud.github.issuer), Policy=json.dumps(EVERYBODY))
    _, message = denial(teams, lambda: parameter("/orange/env")(client_with(teams.cloud, "ssm", session), teams))
    assert message.endswith(NO_POLICY.format(action="ssm:GetParameter"))
