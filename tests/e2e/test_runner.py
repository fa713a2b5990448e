"""From a push to every instance: the example's own workflows in a real runner, on real engines behind a load balancer.

One story in order, on one cloud: each test begins where the one before ended.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from localcloud.engine import Engine
from localcloud.engine_command import search_path
from tests.e2e.cloud import RunningCloud, local_cloud
from tests.e2e.runner import Job, Repository, new_repository
from tests.waiting import eventually

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


LOOK = """
on: workflow_dispatch
jobs:
  look:
    runs-on: ubuntu-latest
    permissions:
      id-token: write
    steps:
      - id: plan
        uses: awesomeorange/deploy/actions/plan@v1
        with: &group
          role-to-assume: ${{ vars.ROLE_TO_ASSUME }}
          aws-region: ${{ vars.AWS_REGION }}
          app: orange
          bucket: ${{ vars.BUCKET }}
          auto-scaling-group: ${{ vars.AUTO_SCALING_GROUP }}
          version: ${{ vars.VERSION }}
      - id: status
        uses: awesomeorange/deploy/actions/status@v1
        with: *group
"""
SECRET = "correct-horse-battery-staple"


@dataclass
class Story:
    """What happened so far: commits by the name the tests give them, and every job."""

    commits: dict[str, str] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)


@pytest.fixture(scope="module")
def cloud(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    directory = tmp_path_factory.mktemp("runner")
    with local_cloud(directory, "--instances", "3", "--max-size", "4", "--target-group") as made:
        made.add_parameter_line(f"DATABASE_PASSWORD={SECRET}")
        yield made


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


@pytest.fixture(scope="module")
def repository(cloud: RunningCloud, story: Story, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The team's repository, whose log shipper is in the registry already."""
    busybox = shutil.which("busybox", path=search_path())
    assert busybox, "busybox-static is not installed: run localcloud/install"
    made = new_repository(tmp_path_factory.mktemp("repository"), Path(busybox))
    made.variables.update(cloud.variables, BASE="scratch")
    made.workflow("promtail.yml", BUILD_PROMTAIL)
    made.commit("the application")
    job = made.dispatch("promtail.yml", cloud.job_environment)
    assert job.succeeded, job.log
    story.jobs.append(job)
    made.variables["IMAGES"] = f"promtail={job.outputs('promtail')['image']}"
    return made


def push(repository: Repository, cloud: RunningCloud, story: Story, name: str) -> Job:
    story.commits[name] = repository.commit(name)
    story.jobs.append(repository.push("deploy.yml", cloud.job_environment))
    return story.jobs[-1]


def roll_back(repository: Repository, cloud: RunningCloud, story: Story, version: str = "") -> Job:
    story.jobs.append(repository.dispatch("rollback.yml", cloud.job_environment, {"version": version}))
    return story.jobs[-1]


def everybody_answers_with(cloud: RunningCloud, commit: str) -> bool:
    answers = cloud.answers().values()
    return bool(answers) and all(f"orange {commit}" in answer for answer in answers)


def test_a_push_brings_the_first_release_to_every_instance(
    cloud: RunningCloud, repository: Repository, story: Story
) -> None:
    job = push(repository, cloud, story, "first")

    assert job.succeeded, job.log
    assert len(cloud.in_service()) == 3
    assert everybody_answers_with(cloud, story.commits["first"])
    outputs = job.outputs("1")
    assert outputs["status"] == "succeeded"
    assert (outputs["instances-total"], outputs["instances-updated"]) == ("3", "3")
    assert outputs["image"].endswith(outputs["digest"])
    assert outputs["report"].startswith(f"s3://{cloud.environment['BUCKET']}/orange/groups/")


def test_a_second_push_replaces_it_on_every_instance(cloud: RunningCloud, repository: Repository, story: Story) -> None:
    job = push(repository, cloud, story, "second")

    assert job.succeeded, job.log
    assert everybody_answers_with(cloud, story.commits["second"])
    assert f"orange {story.commits['second']}" in cloud.behind_load_balancer()
    assert story.commits["first"][:7] in job.outputs("1")["previous-version"]
    for instance in cloud.in_service():
        assert instance in job.summary


def test_a_look_says_what_runs_and_what_would_change(cloud: RunningCloud, repository: Repository, story: Story) -> None:
    repository.workflow("look.yml", LOOK)
    repository.variables["VERSION"] = story.jobs[-1].outputs("1")["previous-version"]
    repository.commit("look")

    job = repository.dispatch("look.yml", cloud.job_environment)

    assert job.succeeded, job.log
    assert job.outputs("plan")["status"] == "changes"
    assert job.outputs("status")["status"] == "converged"
    runs = {each["runs"] for each in json.loads(job.outputs("status")["instances"])["orange-web"]}
    assert runs == {story.jobs[-1].outputs("1")["version"]}
    assert everybody_answers_with(cloud, story.commits["second"])


def test_a_newborn_boots_the_desired_release_by_itself(cloud: RunningCloud, story: Story) -> None:
    cloud.scale(4)

    eventually("the fourth instance is in service", lambda: len(cloud.in_service()) == 4, patience=90)
    assert everybody_answers_with(cloud, story.commits["second"])


def test_a_rollback_by_hand_goes_back_to_the_release_before(
    cloud: RunningCloud, repository: Repository, story: Story
) -> None:
    job = roll_back(repository, cloud, story)

    assert job.succeeded, job.log
    assert len(cloud.answers()) == 4
    assert everybody_answers_with(cloud, story.commits["first"])
    assert cloud.deployed_commits() == [story.commits["first"]]


def test_a_release_that_never_gets_healthy_comes_back_by_itself_and_the_job_fails(
    cloud: RunningCloud, repository: Repository, story: Story
) -> None:
    break_server(repository)

    job = push(repository, cloud, story, "broken")

    assert not job.succeeded
    assert job.exit_codes[0] == "3"
    assert job.outputs("1")["status"] == "rolled-back"
    [error] = job.annotations("error")
    assert "cannot reach its database as ***" in error
    assert everybody_answers_with(cloud, story.commits["first"])


def break_server(repository: Repository) -> None:
    """It never says that it is healthy, and its last words hold a secret."""
    server = repository.path / "bin" / "server"
    text = server.read_text()
    for whole, broken in {
        '"${ORANGE_HEALTHY}" = true': "1 = 2",
        "cannot reach its database": "cannot reach its database as $DATABASE_PASSWORD",
    }.items():
        assert whole in text
        text = text.replace(whole, broken)
    server.write_text(text)
    deploy = repository.path / ".github" / "workflows" / "deploy.yml"
    deploy.write_text(deploy.read_text() + "          health-timeout: 5s\n")


def test_a_rollback_to_a_release_that_does_not_exist_changes_nothing(
    cloud: RunningCloud, repository: Repository, story: Story
) -> None:
    job = roll_back(repository, cloud, story, version="no-such-version")

    assert job.exit_codes[0] == "2"
    [error] = job.annotations("error")
    assert "no-such-version" in error
    assert everybody_answers_with(cloud, story.commits["first"])


def test_a_secret_of_the_environment_file_got_nowhere(cloud: RunningCloud, story: Story) -> None:
    assert not [job for job in story.jobs if SECRET in job.log]
    assert not [key for key, body in cloud.objects() if SECRET.encode() in body]
    commands = list(cloud.commands())
    assert any("activate" in text for text in commands)
    assert not [text for text in commands if SECRET in text]
