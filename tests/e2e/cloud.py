"""A local cloud of real engines for end-to-end tests: started by its own command line, seen as an operator sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from localcloud.aws.account import ROOT_KEY
from localcloud.engine_command import docker

ROOT = Path(__file__).parents[2]
PORT = 8080


@dataclass(frozen=True)
class RunningCloud:
    """One group behind a load balancer. `environment` is what `up` wrote for its clients."""

    environment: Mapping[str, str]

    @property
    def variables(self) -> dict[str, str]:
        """What a team would set as its repository's configuration variables."""
        names = ("ROLE_TO_ASSUME", "AWS_REGION", "BUCKET", "AUTO_SCALING_GROUP")
        return {name: self.environment[name] for name in names} | {"IMAGE": f"{self.environment['REGISTRY']}/orange"}

    @property
    def job_environment(self) -> dict[str, str]:
        """What a job gets: where the endpoints are, and GitHub's OIDC variables. No keys."""
        names = ("AWS_ENDPOINT_URL", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITHUB_API_URL")
        return {name: self.environment[name] for name in names}

    def client(self, service: str) -> Any:
        """A client of the account itself, which may everything."""
        return boto3.client(
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_REGION"],
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key="unchecked",
        )

    def in_service(self) -> list[str]:
        """Ids of the group's instances that are InService, by the API."""
        answer = self.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[self.environment["AUTO_SCALING_GROUP"]]
        )
        [group] = answer["AutoScalingGroups"]
        return [each["InstanceId"] for each in group["Instances"] if each["LifecycleState"] == "InService"]

    def scale(self, desired: int) -> None:
        """As an operator or a scaling policy does it."""
        self.client("autoscaling").set_desired_capacity(
            AutoScalingGroupName=self.environment["AUTO_SCALING_GROUP"], DesiredCapacity=desired
        )

    def answers(self) -> dict[str, str]:
        """What each instance in service answers over HTTP, asked directly; "" if nothing."""
        return {each: page(f"http://{_address(each)}:{PORT}/") for each in self.in_service()}

    def add_parameter_line(self, line: str) -> None:
        """One line more in the environment file that Parameter Store holds."""
        ssm, name = self.client("ssm"), self.environment["PARAMETERS"]
        value = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        ssm.put_parameter(Name=name, Value=f"{value.rstrip()}\n{line}\n", Type="SecureString", Overwrite=True)

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """Everything in the bucket."""
        s3, bucket = self.client("s3"), self.environment["BUCKET"]
        for each in s3.list_objects_v2(Bucket=bucket)["Contents"]:
            yield each["Key"], s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()

    def commands(self) -> Iterator[str]:
        """Every command that was sent, and what came back of it."""
        ssm = self.client("ssm")
        for some in ssm.get_paginator("list_commands").paginate():
            yield from (str(command["Parameters"]) for command in some["Commands"])
        for some in ssm.get_paginator("list_command_invocations").paginate(Details=True):
            yield from (str(invocation["CommandPlugins"]) for invocation in some["CommandInvocations"])

    def deployed_commits(self) -> list[str]:
        """What the repository's GitHub Deployments say is deployed: those whose newest status is a success."""
        found = json.loads(page(f"{self.environment['GITHUB_API_URL']}/repos/awesomeorange/orange/deployments"))
        return [each["ref"] for each in found if json.loads(page(each["statuses_url"]))[0]["state"] == "success"]

    def behind_load_balancer(self) -> str:
        return page(self.environment["LOAD_BALANCER_URL"])


def page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (an address of this machine's)
            text: str = answer.read().decode()
            return text
    except OSError:
        return ""


def _address(instance_id: str) -> str:
    name = docker("ps", "--filter", f"name={instance_id}", "--format", "{{.Names}}")
    return docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)


@contextmanager
def local_cloud(directory: Path, *options: str) -> Iterator[RunningCloud]:
    """A cloud of the docker runtime, gone afterwards with all it made."""
    state = ("--state-dir", str(directory / "cloud"))
    file = directory / "cloud.env"
    try:
        _localcloud("up", *state, "--runtime", "docker", "--operator", "deployer", "--env-file", str(file), *options)
        yield RunningCloud(dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line))
    finally:
        _localcloud("down", *state)


def _localcloud(*words: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "localcloud", *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"localcloud {words[0]}:\n{done.stdout}\n{done.stderr}"
