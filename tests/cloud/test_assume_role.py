"""A job trades its token for a role: what goes over the wire, what is shown, and which faults are ridden out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deployer import __version__
from deployer.aws.session import Session, open_session
from deployer.cli import main
from deployer.core.errors import Refused, Unanswered
from deployer.github.console import console_for
from deployer.inputs import Access
from tests.cloud.job_stand_in import ACCOUNT, ROLE, TICKET, Reply, Services, serving, sts_error
from tests.waiting import eventually

RUN = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_EVENT_NAME": "push",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
DENIED = sts_error(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")


@pytest.fixture
def services() -> Iterator[Services]:
    services = Services()
    with serving(services.answer) as services.url:
        yield services


@pytest.fixture
def job(services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The environment of a job that may ask for tokens; the process gets it too, as boto3 reads it there."""
    environment = {
        **RUN,
        "AWS_ENDPOINT_URL": services.url,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{services.url}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TICKET,
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_ENV": str(tmp_path / "env"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "INPUT_ROLE_TO_ASSUME": ROLE,
    }
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries happen, but at once."""
    monkeypatch.setattr("urllib3.util.retry.Retry.get_backoff_time", lambda _: 0.0)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    monkeypatch.setattr("deployer.aws.sts.PAUSES", (0.0, 0.0))


def assumed(job: dict[str, str], seconds: int = 3600) -> Session:
    access = Access(role_to_assume=ROLE, role_duration_seconds=seconds)
    return open_session(access, console_for(job, machine_readable=False), job)


def pairs_in(path: str) -> dict[str, str]:
    return {
        name: value
        for name, _, value in re.findall(r"(.+?)<<(deployer_\w+)\n(.*?)\n\2\n", Path(path).read_text(), re.DOTALL)
    }


def test_a_job_gets_the_role_and_exports_nothing(
    services: Services, job: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["assume-role"], job) == 0
    outputs = pairs_in(job["GITHUB_OUTPUT"])
    assert outputs["aws-account-id"] == ACCOUNT
    assert outputs["role-arn"] == ROLE
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", outputs["expires-at"])
    assert not Path(job["GITHUB_ENV"]).exists()
    shown = "".join(capsys.readouterr())
    assert "stay in this process" in shown
    assert "secret-1" not in shown
    assert shown.count(services.tokens[0]) == 1
    assert f"::add-mask::{services.tokens[0]}\n" in shown


def test_sts_hears_which_run_is_asking(services: Services, job: dict[str, str]) -> None:
    assert main(["assume-role"], job) == 0
    (asked,) = services.asked_for("AssumeRoleWithWebIdentity")
    assert asked.parameters["RoleSessionName"] == "gha-77-2"
    assert asked.parameters["DurationSeconds"] == "3600"
    assert f"awesomeorange-deploy/{__version__} run/77-2" in asked.headers["user-agent"]
    assert "authorization" not in asked.headers


def test_credentials_are_exported_when_asked_for_and_masked_before(
    job: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["assume-role", "--export-credentials", "true"], job) == 0
    assert pairs_in(job["GITHUB_ENV"]) == {
        "AWS_ACCESS_KEY_ID": "ASIA0000000000000001",
        "AWS_SECRET_ACCESS_KEY": "secret-1",
        "AWS_SESSION_TOKEN": "session-1",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    shown = capsys.readouterr().out
    for secret in ("ASIA0000000000000001", "secret-1", "session-1"):
        assert f"::add-mask::{secret}\n" in shown
        assert shown.count(secret) == 1


def test_keys_that_do_not_end_are_never_exported(
    job: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    assert main(["assume-role", "--export-credentials", "true"], {**job, "INPUT_ROLE_TO_ASSUME": ""}) == 2
    assert "needs role-to-assume" in capsys.readouterr().out
    assert not Path(job["GITHUB_ENV"]).exists()


def key_in_use(session: Session, services: Services) -> str:
    """The access key a call is signed with now."""
    session.client("sts").get_caller_identity()
    signature = services.asked_for("GetCallerIdentity")[-1].headers["authorization"]
    return signature.partition("Credential=")[2].split("/")[0]


def test_credentials_are_renewed_with_a_new_token_before_they_end(services: Services, job: dict[str, str]) -> None:
    services.lifetime = timedelta(seconds=9)
    session = assumed(job)
    assert {key_in_use(session, services) for _ in range(3)} == {"ASIA0000000000000001"}
    services.lifetime = timedelta(hours=1)
    eventually("new credentials", lambda: key_in_use(session, services) == "ASIA0000000000000002")
    assert {key_in_use(session, services) for _ in range(3)} == {"ASIA0000000000000002"}
    first, second = services.tokens
    assert first != second


def test_a_refusal_at_renewal_waits_for_the_end_and_is_as_clear_as_at_the_start(
    services: Services, job: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    services.lifetime = timedelta(seconds=4)
    session = assumed(job)
    services.faults_of_sts = [DENIED] * 1000

    def refused() -> str:
        try:
            return "" if key_in_use(session, services) else "nobody"
        except Refused as error:
            return error.what

    assert "trust policy" in eventually("the refusal", refused)
    shown = "".join(capsys.readouterr())
    assert "Traceback" not in shown
    assert "Refreshing" not in shown


def test_credentials_that_came_too_late_blame_the_clock(
    services: Services, job: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    services.lifetime = timedelta(hours=-1)
    assert main(["assume-role"], job) == 1
    assert "by the clock of this machine" in capsys.readouterr().out


def test_a_role_that_does_not_trust_the_job_shows_the_policy_that_would(
    services: Services, job: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    services.faults_of_sts = [DENIED]
    assert main(["assume-role"], job) == 1
    out, err = capsys.readouterr()
    assert "::error title=deploy::sts:AssumeRoleWithWebIdentity was refused" in out
    assert "sub: repo:acme/shop:ref:refs/heads/main%0A" in out
    assert '"repo:acme@111/shop@222:ref:refs/heads/main"' in out
    assert "Traceback" not in out + err
    assert services.tokens[0].split(".")[2] not in out.replace(f"::add-mask::{services.tokens[0]}", "")
    assert len(services.asked_for("AssumeRoleWithWebIdentity")) == 1, "a denial is final"
    assert '"StringEquals"' in Path(job["GITHUB_STEP_SUMMARY"]).read_text()


def test_a_machine_can_read_the_refusal(
    services: Services, job: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    services.faults_of_sts = [DENIED]
    assert main(["assume-role", "--json"], job) == 1
    assert json.loads(capsys.readouterr().out)["exit_code"] == 1


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
