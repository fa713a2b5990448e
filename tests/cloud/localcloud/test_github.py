"""GitHub's REST API of the local cloud, seen through PyGithub; and what moto answers by itself."""

from __future__ import annotations

from typing import Any

import pytest
from github import Auth, Github, GithubException
from github.Repository import Repository

from localcloud.cloud import Cloud, CloudError
from localcloud.options import CloudOptions
from tests.cloud.client import client_of


@pytest.fixture
def repository(cloud: Cloud) -> Repository:
    github = Github(
        auth=Auth.Token("t"),
        base_url=cloud.environment["GITHUB_API_URL"],
        retry=None,
        seconds_between_requests=0,
        seconds_between_writes=0,
        lazy=True,
    )
    return github.get_repo("awesomeorange/orange")


def test_a_deployment_and_its_statuses(repository: Repository) -> None:
    made = repository.create_deployment("main", environment="staging", auto_merge=False, required_contexts=[])
    made.create_status("in_progress", target_url="https://example.org/run/1")
    made.create_status("success", description="3 of 3")
    assert [each.state for each in made.get_statuses()] == ["success", "in_progress"]
    again = repository.get_deployment(made.id)
    assert (again.ref, again.environment) == ("main", "staging")
    assert made.id in [each.id for each in repository.get_deployments(environment="staging")]


def test_a_success_retires_the_deployment_before_it(repository: Repository) -> None:
    first = repository.create_deployment("v1", environment="production")
    first.create_status("success")
    second = repository.create_deployment("v2", environment="production")
    second.create_status("success")
    assert next(iter(first.get_statuses())).state == "inactive"
    assert next(iter(second.get_statuses())).state == "success"


def test_an_environment_and_what_guards_it(repository: Repository, cloud: Cloud) -> None:
    rules = ("required_reviewers", "branch_policy")
    cloud.github.repositories.environments = {("awesomeorange/orange", "pro duction"): rules}
    found = repository.get_environment("pro duction")
    found.update()
    assert found.name == "pro duction"
    assert tuple(each.type for each in found.protection_rules) == rules
    assert found.deployment_branch_policy.protected_branches
    with pytest.raises(GithubException) as caught:
        repository.get_environment("staging").update()
    assert caught.value.status == 404


def test_what_the_token_may_not_see(repository: Repository, cloud: Cloud) -> None:
    assert repository.get_commit("0" * 40).commit.message == ""
    cloud.github.repositories.refused = {"commits"}
    with pytest.raises(GithubException, match="not accessible by integration") as caught:
        repository.get_commit("0" * 40).update()
    cloud.github.repositories.refused = set()
    assert caught.value.status == 403


def test_what_is_not_there_is_not_found(repository: Repository) -> None:
    with pytest.raises(GithubException) as caught:
        repository.get_deployment(999).update()
    assert caught.value.status == 404


def test_parameter_alarm_and_conditional_write_are_there(cloud: Cloud) -> None:
    name = cloud.environment["PARAMETERS"]
    value: str = client_of(cloud, "ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    assert {"PROMTAIL_PORT", "LOKI_URL", "DOCKERHUB_USERNAME", "GREETING"} <= {
        line.partition("=")[0] for line in value.splitlines()
    }
    assert client_of(cloud, "cloudwatch").describe_alarms()["MetricAlarms"] == []
    s3: Any = client_of(cloud, "s3")
    s3.put_object(Bucket=cloud.options.bucket, Key="once", Body=b"1", IfNoneMatch="*")
    with pytest.raises(s3.exceptions.ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=cloud.options.bucket, Key="once", Body=b"2", IfNoneMatch="*")


def test_a_process_has_one_cloud(cloud: Cloud, tmp_path: Any) -> None:
    with pytest.raises(CloudError, match="already"):
        Cloud(CloudOptions(tmp_path, runtime="process")).start()
    assert client_of(cloud, "s3").list_buckets()["Buckets"], "the first one is untouched"
