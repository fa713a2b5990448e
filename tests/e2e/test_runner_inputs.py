"""The actions in a real runner, before any cloud is reached: what a job sees when it was set up wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.runner import Job, Repository, new_repository

ROLE = "arn:aws:iam::123456789012:role/deployer"
PLACE = "app: orange, bucket: orange-releases, auto-scaling-group: orange"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = new_repository(tmp_path, busybox=None)
    made.commit("the application")
    return made


def one_step(repository: Repository, action: str, inputs: str) -> Job:
    """Runs a workflow of one step that uses one action with `inputs`, a YAML flow mapping's inside."""
    repository.workflow(
        "one.yml",
        f"""
on: workflow_dispatch
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - id: ours
        uses: awesomeorange/deploy{action}@v1
        with: {{{inputs}}}
""",
    )
    return repository.dispatch("one.yml", {})


def test_a_job_without_id_token_permission_is_told_the_line_it_lacks(repository: Repository) -> None:
    job = one_step(repository, "/actions/assume-role", f"role-to-assume: '{ROLE}', aws-region: eu-west-1")

    assert not job.succeeded
    assert job.exit_codes[0] == "2"
    [error] = job.annotations("error")
    assert "id-token: write" in error
    assert "id-token: write" in job.summary


@pytest.mark.parametrize("action", ["/actions/rollout", "/actions/plan"])
def test_every_malformed_input_is_named_in_one_error(repository: Repository, action: str) -> None:
    job = one_step(repository, action, f"{PLACE}, version: v1, max-unavailable: some, timeout: 5, auto-rollback: 'no'")

    assert not job.succeeded
    assert job.exit_codes[0] == "2"
    [error] = job.annotations("error")
    for each in ("max-unavailable is 'some'", "timeout is '5'", "auto-rollback is 'no'"):
        assert each in error


def test_a_missing_input_is_named_with_what_it_is_for(repository: Repository) -> None:
    job = one_step(repository, "/actions/publish", "app: orange")

    assert job.exit_codes[0] == "2"
    [error] = job.annotations("error")
    assert "bucket is required" in error


def test_an_input_is_data_whatever_it_holds(repository: Repository, tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    hostile = f"\"; touch {trap}; $(touch {trap}) `touch {trap}` ''; touch {trap}"

    job = one_step(repository, "/actions/rollout", f"{PLACE}, version: v1, max-unavailable: '{hostile}'")

    [error] = job.annotations("error")
    assert f"touch {trap}" in error
    assert not trap.exists()


def test_the_root_action_refuses_a_bad_policy_before_it_builds(repository: Repository) -> None:
    job = one_step(repository, "", f"{PLACE}, image: 127.0.0.1:1/orange, canary: none")

    assert job.exit_codes[0] == "2"
    [error] = job.annotations("error")
    assert "canary is 'none'" in error
    assert "Build and push the image" not in job.log


def test_files_of_the_repository_are_never_imported(repository: Repository) -> None:
    for name in ("deployer", "json", "boto3", "sitecustomize"):
        (repository.path / f"{name}.py").write_text("raise SystemExit('imported from the workspace')\n")
    repository.commit("modules named like ours")

    job = one_step(repository, "/actions/rollout", f"{PLACE}, version: v1, canary: none")

    [error] = job.annotations("error")
    assert "canary is 'none'" in error
    assert "imported from the workspace" not in job.log
