"""`doctor` over HTTP: a healthy cloud is said to be healthy, and each fault is said to be that fault and no other.

At a terminal, as the account's administrator, whom every check is open to. The faults are put right again, so that the
module shares one cloud.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from localcloud.aws.account import ACCOUNT, ROOT_KEY
from tests.cloud.client import client_of
from tests.cloud.delivery import Delivery, delivering
from tests.cloud.doctor.doctor_faults import FAULTS, without_permission, without_versioning
from tests.waiting import eventually

OF_A_JOB = {"token", "contents", "deployments", "environment"}
"""What only a job of GitHub Actions can show."""


@dataclass(frozen=True)
class Told:
    """What `doctor --json` said; `checks` by name."""

    exit_code: int
    checks: dict[str, dict[str, str]]
    error: str

    def of(self, *states: str) -> dict[str, str]:
        """Name → what was said, of the checks in these states."""
        return {name: each["said"] for name, each in self.checks.items() if each["state"] in states}

    @property
    def only_problem(self) -> dict[str, str]:
        """The one check that is a problem; everything else is well, or rests on it."""
        assert self.exit_code == 1, self.of("problem", "warning")
        [name] = self.of("problem")
        assert self.of("warning") == {}
        assert self.error.startswith("not ready to deploy: " + name)
        return self.checks[name]


def doctor(delivery: Delivery, *words: str, **variables: str) -> Told:
    """As the administrator; GROUP and the like come from the environment the cloud prints."""
    given = {
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "INPUT_ROLE_TO_ASSUME": delivery.cloud.environment["ROLE_TO_ASSUME"],
        "INPUT_HEALTH_CHECK": "http://localhost:8080/",
        "INPUT_IMAGE": f"{delivery.cloud.registry.address}/web:v1",
        **variables,
    }
    done = delivery.run("doctor", "--json", *words, **given)
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    checks = {each["name"]: each for each in answer.get("checks", ())}
    return Told(done.returncode, checks, answer.get("error", ""))


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    """A group of two: what is asked of one instance is asked of each, and takes its time."""
    with delivering(tmp_path_factory, instances=2) as delivery:
        yield delivery


@pytest.fixture
def healthy(on_v1: Delivery) -> Delivery:
    """On v1, and its targets healthy."""
    elbv2, arn = client_of(on_v1.cloud, "elbv2"), on_v1.cloud.environment["TARGET_GROUP_ARN"]

    def states() -> set[str]:
        targets = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return {each["TargetHealth"]["State"] for each in targets}

    eventually("healthy targets", lambda: states() == {"healthy"})
    return on_v1


def test_a_healthy_cloud_is_well_in_every_check(healthy: Delivery) -> None:
    told = doctor(healthy, INPUT_PARAMETERS=healthy.cloud.options.parameters)
    assert (told.exit_code, told.error) == (0, "")
    assert told.of("problem", "warning") == {}
    assert set(told.of("not checked")) == OF_A_JOB


def test_nothing_is_changed(healthy: Delivery) -> None:
    """Every call is one that reads, or the order that only asks."""
    before, sent = healthy.cloud.server.calls.counted(), Counter(healthy.sent())
    assert doctor(healthy).exit_code == 0
    made = {str(call) for call in healthy.cloud.server.calls.counted() - before}
    reads = {
        each for each in made if each.partition(":")[2].startswith(("Get", "Describe", "List", "Simulate", "Head"))
    }
    agents = {"ssm:UpdateInstanceInformation", "ssm:GetParameter"}
    assert made - reads - agents == {"ssm:SendCommand"}
    assert [comment.split()[1] for comment, _ in (Counter(healthy.sent()) - sent).elements()] == ["status"] * 2


def test_a_person_reads_one_line_a_check_and_below_a_problem_what_to_do(healthy: Delivery) -> None:
    with without_versioning(healthy):
        role = healthy.cloud.environment["ROLE_TO_ASSUME"]
        variables = {"AWS_ACCESS_KEY_ID": ROOT_KEY, "INPUT_ROLE_TO_ASSUME": role}
        done = healthy.run("doctor", **variables)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    at = lines.index("  ✗ versioning     is off: what is replaced is lost")
    fix = "aws s3api put-bucket-versioning --bucket orange-releases --versioning-configuration Status=Enabled"
    assert lines[at + 1].strip() == fix
    assert lines[-1].split(", ")[1] == "1 problem"


@pytest.mark.parametrize(("fault", "name", "fix"), FAULTS, ids=[name for _, name, _ in FAULTS])
def test_one_fault_is_one_problem(fault: Callable[[Delivery], Any], name: str, fix: str, healthy: Delivery) -> None:
    parameters = healthy.cloud.options.parameters if name.startswith("parameters") else ""  # each instance reads them
    with fault(healthy):
        found = doctor(healthy, INPUT_PARAMETERS=parameters).only_problem
    assert found["name"] == name
    assert fix in found["fix"]


@pytest.mark.parametrize(
    ("variable", "value", "name", "fix"),
    [
        ("INPUT_AUTO_SCALING_GROUP", "orange-wbe", "group orange-wbe", "check auto-scaling-group and aws-region"),
        ("INPUT_BUCKET", "no-such-bucket", "bucket", "check `bucket`"),
        ("INPUT_DOCUMENT", "no-such-document", "document", "scripts/run render --what document"),
        ("INPUT_ALLOWED_ACCOUNT_IDS", "000000000000", "account", "allowed-account-ids"),
        ("INPUT_ROLE_TO_ASSUME", f"arn:aws:iam::{ACCOUNT}:role/no-such-role", "role", "infra/identity.yml"),
        ("INPUT_IMAGE", "localhost:9/web", "image", "check the image's name"),
    ],
)
def test_what_is_named_wrong_is_the_one_problem(
    variable: str, value: str, name: str, fix: str, healthy: Delivery
) -> None:
    found = doctor(healthy, **{variable: value}).only_problem
    assert found["name"] == name
    assert fix in found["fix"]


def test_a_parameter_the_instances_may_not_read_is_told_with_the_role_that_lacks_it(healthy: Delivery) -> None:
    """By IAM's simulation and by the instances themselves: two sides of one fault."""
    with without_permission("instance", "ReadOwnEnvironment")(healthy), healthy.cloud.expecting_denials():
        told = doctor(healthy, INPUT_PARAMETERS=healthy.cloud.options.parameters)
    assert set(told.of("problem")) == {"ReadOwnEnvironment", "parameters on orange-web"}
    assert "AccessDenied" in told.checks["parameters on orange-web"]["said"]
    assert "infra/identity.yml" in told.checks["parameters on orange-web"]["fix"]


@pytest.mark.parametrize(
    ("mutability", "state", "fix"), [("IMMUTABLE", "ok", ""), ("MUTABLE", "warning", "put-image-tag-mutability")]
)
def test_the_repository_of_an_ecr_image(mutability: str, state: str, fix: str, healthy: Delivery) -> None:
    ecr = client_of(healthy.cloud, "ecr")
    ecr.create_repository(repositoryName="orange", imageTagMutability=mutability)
    image = f"{ACCOUNT}.dkr.ecr.{healthy.cloud.options.region}.amazonaws.com/orange"
    told = doctor(healthy, INPUT_IMAGE=image)
    ecr.delete_repository(repositoryName="orange")
    assert (told.exit_code, told.checks["image"]["state"]) == (0, state)
    assert fix in told.checks["image"]["fix"]
    assert told.checks["PushAndReadImages"]["state"] == "ok"


def test_another_path_than_the_health_check_is_a_warning(healthy: Delivery) -> None:
    told = doctor(healthy, INPUT_HEALTH_CHECK="http://localhost:8080/health")
    assert told.exit_code == 0
    [name] = told.of("warning")
    assert name == "health path of orange-web"
    assert "--health-check-path /health" in told.checks[name]["fix"]
