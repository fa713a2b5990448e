"""From a push to every instance: the example's own workflows in a real runner, on real engines behind a load balancer.

One story in order, on one cloud: each test begins where the one before ended.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.engine import Engine
from localcloud.engine_command import search_path
from tests.e2e.cloud import Cloud, local_cloud
from tests.e2e.runner import Job, Repository, new_repository
from tests.e2e.waiting import eventually

BUILD_PROMTAIL = """
on: workflow_dispatch
jobs:
  build:
    runs-on: ubuntu-latest
    permissions:
      id-token: write
    steps:
      - uses: actions/checkout@v7
      - id: promtail
        uses: awesomeorange/deploy/actions/build-push@v1
        with:
          aws-region: ${{ vars.AWS_REGION }}
          image: ${{ vars.IMAGE }}-promtail
          dockerfile: Dockerfile.promtail
"""


@pytest.fixture(scope="module")
def cloud(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    directory = tmp_path_factory.mktemp("runner")
    with local_cloud(directory, "--instances", "3", "--max-size", "4", "--target-group") as made:
        yield made


@pytest.fixture(scope="module")
def repository(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The team's repository, whose log shipper is in the registry already."""
    busybox = shutil.which("busybox", path=search_path())
    assert busybox, "busybox-static is not installed: run localcloud/install"
    made = new_repository(tmp_path_factory.mktemp("repository"), Path(busybox))
    made.variables.update(cloud.variables, BASE="scratch")
    made.workflow("promtail.yml", BUILD_PROMTAIL)
    made.commit("the application")
    job = made.dispatch("promtail.yml", cloud.job_environment)
    assert job.succeeded, job.log
    made.variables["IMAGES"] = f"promtail={job.outputs('promtail')['image']}"
    return made


@pytest.fixture(scope="module")
def commits() -> dict[str, str]:
    """The commits of the story so far, by the name the tests give them."""
    return {}


def answers_with(cloud: Cloud, commit: str) -> bool:
    return all(f"orange {commit}" in answer for answer in cloud.answers().values())


def push(repository: Repository, cloud: Cloud, message: str) -> tuple[str, Job]:
    commit = repository.commit(message)
    return commit, repository.push("deploy.yml", cloud.job_environment)


def test_a_push_brings_the_first_release_to_every_instance(
    cloud: Cloud, repository: Repository, commits: dict[str, str]
) -> None:
    commits["first"], job = push(repository, cloud, "first")

    assert job.succeeded, job.log
    assert len(cloud.in_service()) == 3
    assert answers_with(cloud, commits["first"])
    outputs = job.outputs("1")
    assert outputs["status"] == "succeeded"
    assert (outputs["instances-total"], outputs["instances-updated"]) == ("3", "3")
    assert outputs["image"].endswith(outputs["digest"])
    assert outputs["report"].startswith(f"s3://{cloud.environment['BUCKET']}/orange/groups/")


def test_a_second_push_replaces_it_on_every_instance(
    cloud: Cloud, repository: Repository, commits: dict[str, str]
) -> None:
    commits["second"], job = push(repository, cloud, "second")

    assert job.succeeded, job.log
    assert answers_with(cloud, commits["second"])
    assert f"orange {commits['second']}" in cloud.behind_load_balancer()
    assert commits["first"][:7] in job.outputs("1")["previous-version"]
    for instance in cloud.in_service():
        assert instance in job.summary


def test_a_newborn_boots_the_desired_release_by_itself(cloud: Cloud, commits: dict[str, str]) -> None:
    cloud.scale(4)

    eventually(lambda: len(cloud.in_service()) == 4, "the fourth instance is in service", seconds=90)
    assert answers_with(cloud, commits["second"])


def test_a_rollback_by_hand_goes_back_to_the_release_before(
    cloud: Cloud, repository: Repository, commits: dict[str, str]
) -> None:
    job = repository.dispatch("rollback.yml", cloud.job_environment)

    assert job.succeeded, job.log
    assert len(cloud.answers()) == 4
    assert answers_with(cloud, commits["first"])


def test_a_release_that_never_gets_healthy_comes_back_by_itself_and_the_job_fails(
    cloud: Cloud, repository: Repository, commits: dict[str, str]
) -> None:
    server = repository.path / "bin" / "server"
    server.write_text(server.read_text().replace('"$ORANGE_HEALTHY" = true', "1 = 2"))
    deploy = repository.path / ".github" / "workflows" / "deploy.yml"
    deploy.write_text(deploy.read_text() + "          health-timeout: 5s\n")

    _, job = push(repository, cloud, "broken")

    assert not job.succeeded
    assert job.exit_codes[0] == "3"
    assert job.outputs("1")["status"] == "rolled-back"
    [error] = job.annotations("error")
    assert "cannot reach its database" in error
    assert answers_with(cloud, commits["first"])


def test_no_secret_of_the_environment_file_is_in_any_log(
    cloud: Cloud, repository: Repository, commits: dict[str, str]
) -> None:
    dotenv = cloud.client("ssm").get_parameter(Name=cloud.environment["PARAMETERS"], WithDecryption=True)
    secrets = [line.split("=", 1)[1].strip("\"'") for line in dotenv["Parameter"]["Value"].splitlines() if "=" in line]
    long = [each for each in secrets if len(each) > 8]
    assert long

    job = repository.dispatch("rollback.yml", cloud.job_environment, {"version": "no-such-version"})

    assert job.exit_codes[0] in {"1", "2"}
    [error] = job.annotations("error")
    assert "no-such-version" in error
    assert not [each for each in long if each in job.log]
