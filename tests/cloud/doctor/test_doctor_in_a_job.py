"""`doctor` in a job of GitHub Actions: the token is minted, the role is assumed, and it looks with that role."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.aws.account import ACCOUNT
from tests.cloud.client import client_of
from tests.cloud.delivery import Delivery

REPOSITORY = "awesomeorange/orange"
ENVIRONMENT = "production"
EXTRA = {
    *("role", "trust"),
    *("versioning", "public access", "encryption", "TLS only", "write once"),
    *(
        "launch template of orange-web",
        "launch hook of orange-web",
        "user data of orange-web",
        "profiles of orange-web",
    ),
    *("health path of orange-web", "thresholds of orange-web", "draining of orange-web"),
    *("rights of the deployer on orange-web", "role of orange-web", "rights of the instances of orange-web"),
}
"""What takes permissions that the deployer's role does not have."""


@pytest.fixture
def job(delivery: Delivery) -> Delivery:
    """Its repository has an environment that only protected branches reach."""
    delivery.cloud.github.repositories.environments = {(REPOSITORY, ENVIRONMENT): ("branch_policy",)}
    delivery.cloud.github.repositories.refused = set()
    return delivery


def doctor(delivery: Delivery, *words: str, **changes: str) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code and the checks by name, in a job that has no key of its own."""
    cloud = delivery.cloud
    variables = {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SHA": "0" * 40,
        "GITHUB_RUN_ID": "77",
        "GITHUB_OUTPUT": "",
        "GITHUB_STEP_SUMMARY": "",
        "INPUT_ROLE_TO_ASSUME": cloud.environment["ROLE_TO_ASSUME"],
        "INPUT_ENVIRONMENT": ENVIRONMENT,
        "INPUT_GITHUB_TOKEN": "token-of-the-job",
        "INPUT_IMAGE": f"{cloud.registry.address}/web",
        **changes,
    }
    with cloud.expecting_denials():
        done = delivery.run("doctor", "--json", *words, **variables)
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, {each["name"]: each for each in answer["checks"]}


def states(checks: dict[str, dict[str, str]], *wanted: str) -> set[str]:
    return {name for name, each in checks.items() if each["state"] in wanted}


def test_a_healthy_cloud_is_well_in_all_that_the_role_may_see(job: Delivery) -> None:
    code, checks = doctor(job, INPUT_PARAMETERS=job.cloud.options.parameters)
    assert (code, states(checks, "problem", "warning")) == (0, set())
    assert states(checks, "not checked") == EXTRA | {"targets of orange-web"}
    assert checks["token"]["said"].startswith("sub=repo:awesomeorange")
    assert "assumed-role/orange-web-deployer/gha-77-1" in checks["credentials"]["said"]
    assert checks["environment"]["said"] == "production: only chosen branches"


def test_what_is_not_checked_says_which_permission_it_takes(job: Delivery) -> None:
    _, checks = doctor(job)
    assert checks["versioning"]["said"] == "because it takes s3:GetBucketVersioning, which a deploy does not"
    assert '"Action": "s3:GetBucketVersioning"' in checks["versioning"]["fix"]


def test_a_role_that_does_not_trust_this_job_shows_the_condition_that_would(job: Delivery) -> None:
    issuer = job.cloud.github.issuer
    before, issuer.job = issuer.job, issuer.job.__class__(ref="refs/heads/feature")
    try:
        code, checks = doctor(job)
    finally:
        issuer.job = before
    assert (code, states(checks, "problem")) == (1, {"credentials"})
    assert "refs/heads/feature" in checks["credentials"]["fix"]
    assert '"Condition"' in checks["credentials"]["fix"]
    assert "account" in states(checks, "not checked")


def test_a_job_without_the_permission_for_a_token(job: Delivery) -> None:
    code, checks = doctor(job, ACTIONS_ID_TOKEN_REQUEST_URL="", ACTIONS_ID_TOKEN_REQUEST_TOKEN="")
    assert (code, states(checks, "problem")) == (1, {"token"})
    assert "id-token: write" in checks["token"]["fix"]


@pytest.mark.parametrize(
    ("refused", "name", "state", "fix"),
    [
        ("commits", "contents", "problem", "contents: read"),
        ("deployments", "deployments", "warning", "deployments: write"),
        ("environments", "environment", "not checked", ""),
    ],
)
def test_a_permission_the_jobs_token_lacks(refused: str, name: str, state: str, fix: str, job: Delivery) -> None:
    job.cloud.github.repositories.refused = {refused}
    code, checks = doctor(job)
    assert (code, checks[name]["state"]) == (1 if state == "problem" else 0, state)
    assert states(checks, "problem", "warning") <= {name}
    assert fix in checks[name]["fix"]


def test_an_environment_that_is_not_there(job: Delivery) -> None:
    code, checks = doctor(job, INPUT_ENVIRONMENT="prod")
    assert (code, states(checks, "problem")) == (1, {"environment"})
    assert "gh api --method PUT repos/awesomeorange/orange/environments/prod" in checks["environment"]["fix"]


def test_an_environment_that_guards_nothing(job: Delivery) -> None:
    job.cloud.github.repositories.environments = {(REPOSITORY, ENVIRONMENT): ()}
    code, checks = doctor(job)
    assert (code, states(checks, "warning")) == (0, {"environment"})


def test_an_account_that_is_not_allowed(job: Delivery) -> None:
    code, checks = doctor(job, "--allowed-account-ids", "000000000000")
    assert (code, states(checks, "problem")) == (1, {"account"})


def test_the_repository_of_an_ecr_image_is_found_with_what_a_push_takes_anyway(job: Delivery) -> None:
    ecr, image = client_of(job.cloud, "ecr"), f"{ACCOUNT}.dkr.ecr.{job.cloud.options.region}.amazonaws.com/orange"
    code, checks = doctor(job, INPUT_IMAGE=image)
    assert (code, states(checks, "problem")) == (1, {"image"})
    assert checks["image"]["said"] == "there is no ECR repository orange in ap-northeast-2"
    ecr.create_repository(repositoryName="orange")
    code, checks = doctor(job, INPUT_IMAGE=image)
    ecr.delete_repository(repositoryName="orange")
    assert (code, checks["image"]["state"]) == (0, "ok")
    assert checks["image"]["said"] == "orange is there; whether its tags can move takes ecr:DescribeRepositories"


def test_the_jobs_summary_and_outputs_hold_every_check(job: Delivery) -> None:
    output, summary = job.folder / "output", job.folder / "summary.md"
    _, checks = doctor(job, GITHUB_OUTPUT=str(output), GITHUB_STEP_SUMMARY=str(summary))
    assert "status<<" in output.read_text()
    assert all(f"| {name} |" in summary.read_text() for name in checks)
