"""The roles that no rollout takes do what they are there for, and the call each of their permissions is for is made."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from deployer.infra.roles import identity_roles
from localcloud.aws.account import ACCOUNT
from localcloud.cloud import Cloud
from localcloud.github.issuer import Job
from localcloud.options import HOUSEKEEPING
from localcloud.roles import make_roles
from localcloud.runtime import process_image
from tests.cloud.client import client_of, client_with
from tests.cloud.delivery import Delivery
from tests.waiting import eventually


def as_role(cloud: Cloud, role: str, service: str) -> Any:
    """A client with the credentials EC2 gives a machine of that role."""
    session = cloud.books.open_role_session(f"arn:aws:iam::{ACCOUNT}:role/{role}", "i-0", 900)
    credentials = {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
    }
    return client_with(cloud, service, credentials)


@pytest.fixture
def cloud(delivery: Delivery) -> Cloud:
    """That of the module's delivery: there is one cloud at a time."""
    return delivery.cloud


@pytest.fixture
def pull_request(delivery: Delivery) -> Iterator[dict[str, str]]:
    """A job of a pull request of our own repository, with the role that only looks."""
    deploying = delivery.cloud.github.issuer.job
    job = replace(deploying, environment="", event_name="pull_request", ref="refs/pull/7/merge")
    with _running(delivery, job, "status") as environment:
        yield environment


@pytest.fixture
def housekeeping(delivery: Delivery) -> Iterator[dict[str, str]]:
    """A job in the environment that may tidy up."""
    job = replace(delivery.cloud.github.issuer.job, environment=HOUSEKEEPING)
    with _running(delivery, job, "janitor") as environment:
        yield environment


@contextmanager
def _running(delivery: Delivery, job: Job, role: str) -> Iterator[dict[str, str]]:
    """The environment of a command in such a job."""
    issuer = delivery.cloud.github.issuer
    before, issuer.job = issuer.job, job
    yield {
        "INPUT_ROLE_TO_ASSUME": f"arn:aws:iam::{ACCOUNT}:role/orange-web-{role}",
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "GITHUB_ACTIONS": "true",
        "GITHUB_RUN_ID": "77",
        "GITHUB_RUN_ATTEMPT": "1",
    }
    issuer.job = before


def said(done: subprocess.CompletedProcess[str], exit_code: int = 0) -> Any:
    assert done.returncode == exit_code, done.stderr
    return json.loads(done.stdout)


def test_a_pull_request_looks_at_what_a_rollout_would_do_and_at_what_was_done(
    delivery: Delivery, pull_request: dict[str, str]
) -> None:
    delivery.bring_to("v1")
    delivery.publish("v2")
    delivery.alarm("orange-errors")
    plan = ("plan", "--version", "v2", "--alarms", "orange-errors", "--json")
    assert said(delivery.run(*plan, **pull_request), exit_code=10)["status"] == "changes"
    history = said(delivery.run("history", "--json", **pull_request))
    assert "v1" in json.dumps(history)


@pytest.mark.expects_denial
def test_a_pull_request_is_told_that_it_may_not_ask_instances(delivery: Delivery, pull_request: dict[str, str]) -> None:
    delivery.bring_to("v1")
    done = delivery.run("plan", "--version", "v1", **pull_request)
    assert done.returncode == 0, done.stderr
    assert "whether each runs it, and with the newest parameters, is not known" in done.stdout


def test_a_housekeeping_job_removes_what_no_group_needs_and_nobody_else_can(
    delivery: Delivery, housekeeping: dict[str, str]
) -> None:
    if delivery.desired() != "v1":
        delivery.bring_to("v1")
    delivery.publish("v8")
    words = ("prune-releases", "--keep", "0", "--older-than-days", "0", "--dry-run", "false", "--json")
    assert "v8" in said(delivery.run(*words, **housekeeping))["removed"]
    releases = said(delivery.run("releases", "--json"))["releases"]
    assert [each["version"] for each in releases] == ["v1"]
    assert releases[0]["uses"] == ["desired by orange-web"]


def test_a_monitoring_host_finds_the_instances(cloud: Cloud) -> None:
    ec2 = as_role(cloud, "orange-web-monitoring", "ec2")
    filters = [{"Name": "tag:aws:autoscaling:groupName", "Values": ["orange-web"]}]
    found = ec2.describe_instances(Filters=filters)["Reservations"]
    assert {each["InstanceId"] for some in found for each in some["Instances"]} == set(cloud.fleet.members)
    assert ec2.describe_availability_zones()["AvailabilityZones"]


def test_an_instance_reads_all_that_is_below_its_path(cloud: Cloud) -> None:
    parameters = {"AutoScalingGroup": "pear-web", "ParameterName": "/pear/env/"}
    roles = identity_roles({**cloud.wanted.identity, **parameters}, ACCOUNT, cloud.options.region)
    make_roles(client_of(cloud, "iam"), [roles["Instance"]])
    client_of(cloud, "ssm").put_parameter(Name="/pear/env/GREETING", Type="SecureString", Value="hello")
    ssm = as_role(cloud, "pear-web-instance", "ssm")
    found = ssm.get_parameters_by_path(Path="/pear/env/", Recursive=True, WithDecryption=True)["Parameters"]
    assert [each["Value"] for each in found] == ["hello"]


def test_an_instance_reads_the_logins_of_its_registries(delivery: Delivery) -> None:
    cloud, login = delivery.cloud, "/orange/registry"
    client_of(cloud, "ssm").put_parameter(Name=login, Type="SecureString", Value="puller:password")
    image = process_image.push(cloud.registry.address, "private", "v3")
    words = ("--images", f"web={image}", "--registry-credentials", f"{cloud.registry.address}={login}")
    assert delivery.run("publish", "--version", "v3", *words).returncode == 0
    delivery.published.add("v3")
    delivery.bring_to("v3")
    assert delivery.answers() == {"v3"}


@pytest.mark.parametrize("role", ["deployer", "instance"])
def test_who_pushes_and_who_pulls_may_log_in_to_ecr(cloud: Cloud, role: str) -> None:
    ecr = as_role(cloud, f"orange-web-{role}", "ecr")
    assert ecr.get_authorization_token()["authorizationData"]


def test_a_deployer_finds_a_command_again_reads_its_whole_output_and_recalls_it(cloud: Cloud) -> None:
    """What a rollout does only where an answer got lost, an output is long, or it is told to stop."""
    ssm, options = as_role(cloud, "orange-web-deployer", "ssm"), cloud.options
    instance = next(iter(cloud.fleet.members))
    what = {"Subcommand": ["status"], "App": [options.app], "Bucket": [options.bucket], "Group": [options.group]}
    sent = ssm.send_command(DocumentName=options.document, InstanceIds=[instance], Parameters=what)["Command"]
    where = {"CommandId": sent["CommandId"]}
    eventually("the command is listed", lambda: bool(ssm.list_commands(**where)["Commands"]), patience=10)
    assert ssm.get_command_invocation(**where, InstanceId=instance)["InstanceId"] == instance
    assert ssm.cancel_command(**where)
