"""GitHub Deployments record rollouts over HTTP, and never stop one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.wrappers import Response

from deployer.github.console import console_for
from deployer.github.deployments import Deployments
from localcloud.aws.server import Server
from localcloud.github.server import PREFIX, GitHub

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

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
    """The local cloud's GitHub, with faults that are answered first, in order."""

    github: GitHub
    described: WSGIApplication
    faults: list[tuple[int, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.tokens.append(environ.get("HTTP_AUTHORIZATION", ""))
        if self.faults:
            status, body = self.faults.pop(0)
            return Response(body, status, content_type="application/json")(environ, start_response)
        self._note(environ)
        return self.described(environ, start_response)

    def _note(self, environ: WSGIEnvironment) -> None:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        if environ["REQUEST_METHOD"] == "POST":
            kind = self.statuses if environ["PATH_INFO"].endswith("/statuses") else self.deployments
            kind.append(json.loads(body))


@pytest.fixture
def api(server: Server, github: GitHub, described: WSGIApplication) -> Api:
    api = Api(github, described)
    server.mount(PREFIX, api)
    return api


def deployments(api: Api, **more: str) -> Deployments:
    environment = {**RUN, "GITHUB_API_URL": api.github.api_url, **more}
    return Deployments(console_for(environment, machine_readable=False), environment)


def test_a_rollout_is_recorded_from_start_to_end(api: Api) -> None:
    ours = deployments(api)
    handle = ours.start("production", SHA, "v1 on shop-prod")
    ours.finish(handle, "success", "3 of 3 instances " + "x" * 200, "https://shop.example.com")
    (deployment,) = api.deployments
    assert deployment["ref"] == SHA
    assert deployment["environment"] == "production"
    assert deployment["payload"] == {"run_id": "77", "run_attempt": "1"}
    assert deployment["auto_merge"] is False
    assert deployment["required_contexts"] == []
    started, ended = api.statuses
    assert (started["state"], ended["state"]) == ("in_progress", "success")
    assert ended["environment_url"] == "https://shop.example.com"
    assert ended["target_url"] == "https://github.com/acme/shop/actions/runs/77"
    assert len(ended["description"]) == 140
    assert set(api.tokens) == {"token token-of-this-job"}


def test_a_retry_of_the_same_attempt_finds_its_deployment_and_another_attempt_makes_its_own(api: Api) -> None:
    deployments(api).start("production", SHA, "v1")
    deployments(api).start("production", SHA, "v1")
    assert len(api.deployments) == 1
    deployments(api, GITHUB_RUN_ATTEMPT="2").start("production", SHA, "v1")
    deployments(api).start("staging", SHA, "v1")
    assert len(api.deployments) == 3


def test_a_job_without_the_permission_is_warned_and_goes_on(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.faults = [(200, "[]"), (403, json.dumps({"message": "Resource not accessible by integration"}))]
    ours = deployments(api)
    handle = ours.start("production", SHA, "v1")
    ours.finish(handle, "failure", "rolled back")
    shown = capsys.readouterr().out
    assert handle is None
    assert shown.count("::warning ") == 1
    assert "Resource not accessible by integration" in shown
    assert "deployments: write" in shown
    assert "token-of-this-job" not in shown


@pytest.mark.parametrize("faults", [[(503, "")] * 3, [(200, "<html>")], [(200, "{}")]], ids=["away", "html", "odd"])
def test_github_away_or_odd_is_a_warning(
    api: Api, capsys: pytest.CaptureFixture[str], faults: list[tuple[int, str]]
) -> None:
    api.faults = faults
    assert deployments(api).start("production", SHA, "v1") is None
    assert capsys.readouterr().out.count("::warning title=No GitHub Deployment::could not start it") == 1


def test_a_failing_end_is_a_warning_too(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    ours = deployments(api)
    handle = ours.start("production", SHA, "v1")
    api.faults = [(422, json.dumps({"message": "Validation Failed"}))]
    ours.finish(handle, "success", "done")
    assert "could not finish it: GitHub answered 422 Validation Failed" in capsys.readouterr().out


def test_without_a_token_there_is_a_warning_and_outside_a_job_not_even_that(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deployments(api, GITHUB_TOKEN="").start("production", SHA, "v1") is None
    assert "there is no token" in capsys.readouterr().out
    assert deployments(api, GITHUB_REPOSITORY="").start("production", SHA, "v1") is None
    assert capsys.readouterr().out == ""
    assert api.tokens == []


def test_the_token_given_as_an_input_wins(api: Api) -> None:
    deployments(api, INPUT_GITHUB_TOKEN="given").start("production", SHA, "v1")
    assert set(api.tokens) == {"token given"}
