"""What a job's environment says about its run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployer.github.run import RunContext

JOB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "awesomeorange/shop",
    "GITHUB_SHA": "0123456789abcdef",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_RUN_NUMBER": "5",
    "GITHUB_ACTOR": "octocat",
    "GITHUB_SERVER_URL": "https://git.example.com",
    "GITHUB_EVENT_NAME": "push",
}


def started_by(event_name: str, event: dict[str, Any], folder: Path) -> RunContext:
    """The run of a job that this event started."""
    path = folder / "event.json"
    path.write_text(json.dumps(event))
    return RunContext.from_environment({**JOB, "GITHUB_EVENT_NAME": event_name, "GITHUB_EVENT_PATH": str(path)})


def test_a_job_is_read_whole() -> None:
    run = RunContext.from_environment(JOB)
    assert run == RunContext(
        in_actions=True,
        repository="awesomeorange/shop",
        server_url="https://git.example.com",
        sha="0123456789abcdef",
        ref="refs/heads/main",
        run_id="77",
        run_attempt="2",
        run_number="5",
        run_url="https://git.example.com/awesomeorange/shop/actions/runs/77",
        actor="octocat",
    )
    assert run.tag == "77-2"


def test_outside_actions_everything_is_empty() -> None:
    run = RunContext.from_environment({})
    assert run == RunContext()
    assert run.tag == ""


@pytest.mark.parametrize(("kind", "tag"), [("tag", "v1.2.3"), ("branch", "")])
def test_only_the_name_of_a_tag_is_a_pushed_tag(kind: str, tag: str) -> None:
    job = {**JOB, "GITHUB_REF_TYPE": kind, "GITHUB_REF_NAME": "v1.2.3"}
    assert RunContext.from_environment(job).pushed_tag == tag


def pull_request(head: Any, base: str = "awesomeorange/shop") -> dict[str, Any]:
    return {"pull_request": {"head": {"repo": head}, "base": {"repo": {"full_name": base, "fork": True}}}}


@pytest.mark.parametrize(
    ("event_name", "event", "is_fork"),
    [
        ("pull_request", pull_request({"full_name": "someone/shop", "fork": True}), True),
        ("pull_request", pull_request({"full_name": "awesomeorange/shop", "fork": True}), False),
        ("pull_request", pull_request(None), True),
        ("pull_request_target", pull_request({"full_name": "someone/shop"}), False),
        ("push", {}, False),
        ("pull_request", {}, False),
    ],
    ids=["a fork", "a branch of a repository that is a fork itself", "a deleted fork", "target", "push", "odd"],
)
def test_only_a_pull_request_of_another_repository_is_a_forks(
    event_name: str, event: dict[str, Any], is_fork: bool, tmp_path: Path
) -> None:
    assert started_by(event_name, event, tmp_path).fork_pull_request is is_fork


@pytest.mark.parametrize(
    ("event_name", "ref", "event", "number"),
    [
        ("pull_request", "refs/pull/7/merge", {}, "7"),
        ("pull_request_target", "refs/heads/main", {"number": 7}, "7"),
        ("pull_request_target", "refs/heads/main", {}, ""),
        ("pull_request", "refs/heads/main", {"number": 7, "pull_request": {"merged": True}}, ""),
        ("pull_request", "refs/pull/7/merge", {"number": 7, "pull_request": {"merged": False}}, "7"),
        ("pull_request_target", "refs/heads/main", {"number": 7, "pull_request": {"merged": False}}, "7"),
        ("pull_request_review", "refs/pull/7/merge", {"pull_request": {"merged": True}}, "7"),
        ("workflow_dispatch", "refs/heads/main", {"number": 7}, ""),
        ("push", "refs/heads/main", {"number": 7}, ""),
    ],
)
def test_pull_request_is_known_by_its_number(
    event_name: str, ref: str, event: dict[str, Any], number: str, tmp_path: Path
) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))
    job = {**JOB, "GITHUB_EVENT_NAME": event_name, "GITHUB_REF": ref, "GITHUB_EVENT_PATH": str(path)}
    assert RunContext.from_environment(job).pull_request == number


@pytest.mark.parametrize(
    ("event_name", "event", "number"),
    [
        ("issue_comment", {"issue": {"number": 7, "pull_request": {"merged_at": None}}}, "7"),
        ("issue_comment", {"issue": {"number": 7, "pull_request": {"merged_at": "2026-11-20T08:00:00Z"}}}, ""),
        ("issue_comment", {"issue": {"number": 7}}, ""),
        ("workflow_run", {"workflow_run": {"event": "pull_request", "pull_requests": [{"number": 7}]}}, "7"),
        ("workflow_run", {"workflow_run": {"event": "pull_request", "pull_requests": []}}, "unknown"),
        ("workflow_run", {"workflow_run": {"event": "push", "pull_requests": [{"number": 7}]}}, ""),
        ("workflow_run", {"workflow_run": None}, ""),
        ("push", {"issue": {"number": 7, "pull_request": {}}}, ""),
    ],
)
def test_run_on_the_default_branch_may_be_about_a_pull_request(
    event_name: str, event: dict[str, Any], number: str, tmp_path: Path
) -> None:
    assert started_by(event_name, event, tmp_path).about_pull_request == number
