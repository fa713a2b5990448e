"""What a pull request made, and what is told to the repository once a version runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NoReturn

import pytest

from localcloud.github.deployments import Refusal
from tests.cloud.delivery import Delivery, delivering

PREVIEW = "pr-7.41.2-0123456"
SHA, OTHER = "a" * 40, "b" * 40
REPOSITORY = "awesomeorange/orange"
RUN = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_SHA": SHA, "GITHUB_TOKEN": "token-of-this-job"}
AT_ONCE = ("--canary", "0", "--max-unavailable", "100%")


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    with delivering(tmp_path_factory, instances=1) as delivery:
        yield delivery


def test_version_of_a_pull_request_is_a_preview_whatever_it_is_called(on_v1: Delivery) -> None:
    on_v1.publish("looks-fine", variables={"GITHUB_REF": "refs/pull/7/merge"})
    refused = on_v1.rollout("looks-fine", "--json")
    assert refused.returncode == 2
    assert "refs/pull/7/merge" in json.loads(refused.stdout)["error"]


def test_tag_at_another_commit_stops_the_rollout_before_it_begins(on_v1: Delivery) -> None:
    on_v1.cloud.github.releases.tags[REPOSITORY, "v4"] = OTHER
    on_v1.publish("v4", variables=RUN)
    refused = on_v1.run("rollout", "--version", "v4", "--git-tag", "true", "--json", *AT_ONCE, **RUN)
    assert refused.returncode == 2, refused.stderr
    assert "is at commit bbbbbbbbbbbb" in json.loads(refused.stdout)["error"]
    assert on_v1.answers() == {"v1"}


def test_release_of_another_repository_is_not_tagged_in_this_one(on_v1: Delivery) -> None:
    on_v1.publish("v5", variables={**RUN, "GITHUB_REPOSITORY": "acme/shop"})
    refused = on_v1.run("rollout", "--version", "v5", "--git-tag", "true", "--json", *AT_ONCE, **RUN)
    assert refused.returncode == 2, refused.stderr
    assert "was made from acme/shop" in json.loads(refused.stdout)["error"]


def test_version_that_runs_is_tagged_and_released_once(on_v1: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    """What GitHub refuses after the rollout the next run makes, and the one after it finds."""
    github = on_v1.cloud.github.releases
    github.tags[REPOSITORY, "v1"] = OTHER
    on_v1.publish("v2", variables=RUN)
    words = ("rollout", "--version", "v2", "--github-release", "true", "--json", *AT_ONCE)
    with monkeypatch.context() as patch:
        patch.setattr(github, "create_ref", refuse)
        done = on_v1.run(*words, **RUN)
    assert done.returncode == 0, done.stderr
    assert "v2 runs, and is not tagged or released" in done.stderr
    assert "contents: write" in done.stderr
    assert json.loads(done.stdout)["release-url"] == ""
    assert on_v1.answers() == {"v2"}
    for _ in range(2):
        done = on_v1.run(*words, **RUN)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["release-url"] == f"https://github.com/{REPOSITORY}/releases/tag/v2"
    assert github.tags[REPOSITORY, "v2"] == SHA
    assert "compare/v1...v2" in github.releases[REPOSITORY, "v2"]["body"]


def refuse(*_: object) -> NoReturn:
    raise Refusal(403, "Resource not accessible by integration")


def test_preview_is_rolled_out_only_where_somebody_asks_for_it(at_rest: Delivery) -> None:
    at_rest.publish(PREVIEW)
    before = at_rest.answers()
    for words in (("rollout", *AT_ONCE), ("plan",), ("rollback",)):
        refused = at_rest.run(*words, "--version", PREVIEW, "--json")
        assert refused.returncode == 2, refused.stderr
        assert "made from a pull request" in json.loads(refused.stdout)["error"]
        assert "allow-preview: true" in json.loads(refused.stdout)["fix"]
    assert at_rest.answers() == before
    assert at_rest.run("plan", "--version", PREVIEW, "--allow-preview", "true", *AT_ONCE).returncode == 10
    done = at_rest.rollout(PREVIEW, "--allow-preview", "true", *AT_ONCE)
    assert done.returncode == 0, done.stderr
    assert at_rest.answers() == {PREVIEW}
