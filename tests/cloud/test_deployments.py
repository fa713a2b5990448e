"""GitHub Deployments record rollouts over HTTP, and never stop one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from deployer.github.console import console_for
from deployer.github.deployments import Deployments
from tests.cloud.job_stand_in import Reply, Seen, serving

SHA = "0123456789abcdef0123456789abcdef01234567"
RUN = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_TOKEN": "token-of-this-job",
}


@dataclass
class Api:
    """As much of GitHub's Deployments as a rollout uses."""

    url: str = ""
    deployments: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Reply] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def answer(self, request: Seen) -> Reply:
        self.seen.append(request)
        if self.faults:
            return self.faults.pop(0)
        if request.path.endswith("/statuses"):
            self.statuses.append(json.loads(request.body))
            return Reply(201, json.dumps({"id": len(self.statuses), **self.statuses[-1]}))
        if request.method == "POST":
            number = len(self.deployments) + 1
            url = f"{self.url}/repos/acme/shop/deployments/{number}"
            self.deployments.append({**json.loads(request.body), "id": number, "url": url})
            return Reply(201, json.dumps(self.deployments[-1]))
        wanted = request.parameters
        found = [each for each in self.deployments if wanted.items() <= each.items()]
        return Reply(200, json.dumps(found[::-1]))


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    with serving(api.answer) as api.url:
        yield api


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries happen, but at once."""
    monkeypatch.setattr("urllib3.util.retry.Retry.get_backoff_time", lambda _: 0.0)


def deployments(api: Api, **more: str) -> Deployments:
    environment = {**RUN, "GITHUB_API_URL": api.url, **more}
    return Deployments(console_for(environment, machine_readable=False), environment)


def test_a_rollout_is_recorded_from_start_to_end(api: Api) -> None:
    ours = deployments(api)
    handle = ours.start("production", SHA, "v1 on shop-prod")
    ours.finish(handle, "success", "3 of 3 instances " + "x" * 200, "https://shop.example.com")
    (deployment,) = api.deployments
    assert deployment["ref"] == SHA
    assert deployment["environment"] == "production"
    assert deployment["auto_merge"] is False
    assert deployment["required_contexts"] == []
    assert deployment["payload"] == {"run_id": "77", "run_attempt": "1"}
    assert [each["state"] for each in api.statuses] == ["in_progress", "success"]
    assert api.statuses[1]["environment_url"] == "https://shop.example.com"
    assert api.statuses[1]["target_url"] == "https://github.com/acme/shop/actions/runs/77"
    assert len(api.statuses[1]["description"]) == 140
    assert {each.headers["authorization"] for each in api.seen} == {"token token-of-this-job"}


def test_a_retry_of_the_same_attempt_finds_its_deployment_and_another_attempt_makes_its_own(api: Api) -> None:
    deployments(api).start("production", SHA, "v1")
    deployments(api).start("production", SHA, "v1")
    assert len(api.deployments) == 1
    deployments(api, GITHUB_RUN_ATTEMPT="2").start("production", SHA, "v1")
    deployments(api).start("staging", SHA, "v1")
    assert len(api.deployments) == 3


def test_a_job_without_the_permission_is_warned_and_goes_on(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    refused = Reply(403, json.dumps({"message": "Resource not accessible by integration"}))
    api.faults = [Reply(200, "[]"), refused]
    ours = deployments(api)
    handle = ours.start("production", SHA, "v1")
    ours.finish(handle, "failure", "rolled back")
    shown = capsys.readouterr().out
    assert handle is None
    assert shown.count("::warning ") == 1
    assert "Resource not accessible by integration" in shown
    assert "deployments: write" in shown
    assert "token-of-this-job" not in shown


@pytest.mark.parametrize(
    "faults", [[Reply(503, "")] * 3, [Reply(200, "<html>")], [Reply(200, "{}")]], ids=["away", "html", "odd"]
)
def test_github_away_or_odd_is_a_warning(api: Api, capsys: pytest.CaptureFixture[str], faults: list[Reply]) -> None:
    api.faults = faults
    assert deployments(api).start("production", SHA, "v1") is None
    assert capsys.readouterr().out.count("::warning title=No GitHub Deployment::could not start it") == 1


def test_a_failing_end_is_a_warning_too(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    ours = deployments(api)
    handle = ours.start("production", SHA, "v1")
    api.faults = [Reply(422, json.dumps({"message": "Validation Failed"}))]
    ours.finish(handle, "success", "done")
    assert "could not finish it: GitHub answered 422 Validation Failed" in capsys.readouterr().out


def test_without_a_token_there_is_a_warning_and_outside_a_job_not_even_that(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deployments(api, GITHUB_TOKEN="").start("production", SHA, "v1") is None
    assert "there is no token" in capsys.readouterr().out
    assert deployments(api, GITHUB_REPOSITORY="").start("production", SHA, "v1") is None
    assert capsys.readouterr().out == ""
    assert api.seen == []


def test_the_token_given_as_an_input_wins(api: Api) -> None:
    deployments(api, INPUT_GITHUB_TOKEN="given").start("production", SHA, "v1")
    assert {each.headers["authorization"] for each in api.seen} == {"token given"}
