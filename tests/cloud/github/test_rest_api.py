"""GitHub's REST API of the local cloud, seen through PyGithub."""

from __future__ import annotations

import pytest
from github import Auth, Github, GithubException
from github.Repository import Repository

from localcloud.github.server import GitHub
from tests.cloud.github.described import wrong_in

pytestmark = pytest.mark.usefixtures("described")


@pytest.fixture
def repository(github: GitHub) -> Repository:
    client = Github(
        auth=Auth.Token("t"),
        base_url=github.api_url,
        retry=None,
        seconds_between_requests=0,
        seconds_between_writes=0,
        lazy=True,
    )
    return client.get_repo("awesomeorange/orange")


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


def test_an_environment_and_what_guards_it(repository: Repository, github: GitHub) -> None:
    rules = ("required_reviewers", "branch_policy")
    github.repositories.environments = {("awesomeorange/orange", "pro duction"): rules}
    found = repository.get_environment("pro duction")
    found.update()
    assert found.name == "pro duction"
    assert tuple(each.type for each in found.protection_rules) == rules
    assert found.deployment_branch_policy.protected_branches
    with pytest.raises(GithubException) as caught:
        repository.get_environment("staging").update()
    assert caught.value.status == 404


def test_what_the_token_may_not_see(repository: Repository, github: GitHub) -> None:
    assert repository.get_commit("0" * 40).commit.message == ""
    github.repositories.refused = {"commits"}
    with pytest.raises(GithubException, match="not accessible by integration") as caught:
        repository.get_commit("0" * 40).update()
    github.repositories.refused = set()
    assert caught.value.status == 403


def test_what_is_not_there_is_not_found(repository: Repository) -> None:
    with pytest.raises(GithubException) as caught:
        repository.get_deployment(999).update()
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        (("POST", "/repos/o/r/git/refs", b'{"ref":"refs/tags/v1"}', 201, b"{}"), "'sha' is a required property"),
        (
            ("POST", "/repos/o/r/releases", b'{"tag_name":"v1","prelease":true}', 404, b"{}"),
            "'prelease' was unexpected",
        ),
        (("GET", "/repos/o/r/git/ref/tags/a/b", b"", 200, b'{"ref":"refs/tags/a/b"}'), "'object' is a required"),
        (("GET", "/repos/o/r/git/ref/tags/v1", b"", 201, b"{}"), "an answer that GitHub does not give"),
        (("GET", "/repos/o/r/pulls", b"", 200, b"[]"), "no call that was cut out"),
    ],
)
def test_a_call_that_is_not_as_described_is_seen(call: tuple[str, str, bytes, int, bytes], wrong: str) -> None:
    assert wrong in " | ".join(wrong_in(*call))
