"""Faults on the way to a role: which pass, which stay, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.cli import main
from deployer.core.errors import Refused, Unanswered
from tests.cloud.job_stand_in import ACCOUNT, Reply, Services, assumed, sts_error


@pytest.mark.parametrize(
    "fault",
    [
        sts_error(400, "IDPCommunicationError", "could not reach"),
        sts_error(400, "Throttling", "Rate exceeded"),
        sts_error(503, "ServiceUnavailable"),
    ],
    ids=["GitHub out of AWS's reach", "throttled", "STS away"],
)
def test_a_passing_fault_of_sts_is_ridden_out(services: Services, job: dict[str, str], fault: Reply) -> None:
    services.faults_of_sts = [fault, fault]
    assert main(["assume-role"], job) == 0
    assert len(services.asked_for("AssumeRoleWithWebIdentity")) == 3


@pytest.mark.parametrize(
    "fault",
    [
        sts_error(400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider"),
        sts_error(400, "ExpiredTokenException", "Token expired: current date/time 2 must be before 1"),
    ],
    ids=["not verified", "over"],
)
def test_a_token_sts_does_not_take_is_followed_by_a_new_one(
    services: Services, job: dict[str, str], capsys: pytest.CaptureFixture[str], fault: Reply
) -> None:
    services.faults_of_sts = [fault, fault]
    assert main(["assume-role"], job) == 0
    assert len(set(services.tokens)) == 3
    services.faults_of_sts = [fault] * 3
    assert main(["assume-role"], job) == 1
    assert "a new one" in capsys.readouterr().out
    assert len(services.tokens) == 6


def test_a_lasting_fault_of_sts_ends_with_its_cause(
    services: Services, job: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    services.faults_of_sts = [sts_error(400, "IDPCommunicationError")] * 6
    assert main(["assume-role"], job) == 1
    assert "could not reach GitHub" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        ("PackedPolicyTooLarge", "Packed policy consumes 104% of allotted space", "narrow-session: false"),
        ("RegionDisabledException", "STS is not activated in this region", "IAM's account settings"),
    ],
)
def test_a_final_refusal_of_sts_is_said_at_once_with_the_way_out(
    services: Services, job: dict[str, str], capsys: pytest.CaptureFixture[str], code: str, message: str, said: str
) -> None:
    services.faults_of_sts = [sts_error(400, code, message)]
    assert main(["assume-role"], job) == 1
    assert said in capsys.readouterr().out
    assert len(services.asked_for("AssumeRoleWithWebIdentity")) == 1


def test_sts_being_away_is_no_reason_to_think_that_something_was_carried_out(
    services: Services, job: dict[str, str]
) -> None:
    services.faults_of_sts = [sts_error(503, "ServiceUnavailable")] * 9
    with pytest.raises(Refused, match="AWS has trouble of its own") as refused:
        assumed(job)
    assert not isinstance(refused.value, Unanswered)


def test_a_missing_identity_provider_is_final_and_comes_with_its_command(
    services: Services, job: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    message = "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com"
    services.faults_of_sts = [sts_error(400, "InvalidIdentityToken", message)]
    assert main(["assume-role"], job) == 1
    assert "create-open-id-connect-provider" in capsys.readouterr().out


def test_a_passing_fault_of_githubs_token_service_is_ridden_out(services: Services, job: dict[str, str]) -> None:
    services.faults_of_github = [Reply(503, ""), Reply(500, ""), Reply(429, "")]
    assert main(["assume-role"], job) == 0
    assert [each.path for each in services.seen].count("/token") == 4


@pytest.mark.parametrize(
    ("faults", "asked", "said"),
    [
        ([Reply(403, "")], 1, "id-token: write"),
        ([Reply(200, "<html>")], 1, "answered without a token"),
        ([Reply(503, "")] * 5, 5, "has an outage"),
    ],
    ids=["refused", "nonsense", "away"],
)
def test_a_lasting_fault_of_githubs_token_service_is_explained(
    services: Services,
    job: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    faults: list[Reply],
    asked: int,
    said: str,
) -> None:
    services.faults_of_github = faults
    assert main(["assume-role"], job) == 1
    assert said in capsys.readouterr().out
    assert len(services.seen) == asked


def test_githubs_token_service_out_of_reach_is_said(job: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    job["ACTIONS_ID_TOKEN_REQUEST_URL"] = "http://127.0.0.1:1/token"
    assert main(["assume-role"], job) == 1
    assert "token service cannot be reached" in capsys.readouterr().out


def test_credentials_of_another_account_are_refused(job: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assume-role", "--allowed-account-ids", "210987654321"], job) == 2
    assert f"belong to account {ACCOUNT}" in capsys.readouterr().out
    assert not Path(job["GITHUB_OUTPUT"]).exists()
    assert main(["assume-role", "--allowed-account-ids", f"210987654321,{ACCOUNT}"], job) == 0


def test_a_region_whose_sts_is_out_of_reach_is_said(
    job: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert main(["assume-role"], job) == 1
    assert "got no answer" in capsys.readouterr().out
