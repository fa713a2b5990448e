"""A job trades its token for a role: what goes over the wire, what is shown, and which faults are ridden out."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from deployer import __version__
from deployer.aws.session import Session
from deployer.cli import main
from deployer.core.errors import Refused
from tests.cloud.job_stand_in import ACCOUNT, DENIED, ROLE, Services, assumed
from tests.waiting import eventually


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
