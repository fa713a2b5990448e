"""The product's own command line against a local cloud, as a workflow or a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import Cloud
from localcloud.options import CloudOptions
from localcloud.outputs import keep
from localcloud.runtime import process_image
from tests.cloud.client import client_of
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = """\
services:
  web:
    image: orange
    env_file: .env
    ports: ["8080:8080"]
"""

PushImage = Callable[[str, str, bool], str]
"""Registry, version, whether it gets healthy → the image, pushed, by digest."""


def stand_in_image(registry: str, version: str, healthy: bool) -> str:
    """An image for instances that are processes."""
    return process_image.push(registry, "web", version, unhealthy=not healthy)


@dataclass
class Delivery:
    """An application of one service on its way to the group of a cloud."""

    cloud: Cloud
    folder: Path
    push_image: PushImage = stand_in_image
    published: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "docker-compose.yml").write_text(COMPOSE)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.cloud.environment}

    def publish(self, version: str, healthy: bool = True, variables: Mapping[str, str] | None = None) -> None:
        """Publishes a version, once."""
        if version in self.published:
            return
        image = self.push_image(self.cloud.registry.address, version, healthy)
        words = ["--version", version, "--images", f"web={image}", "--parameters", self.cloud.options.parameters]
        # what gets healthy may take its time on a busy machine; what never does is waited for in vain
        words += ["--health-check", "http://localhost:8080/", "--health-timeout", "20s" if healthy else "4s"]
        done = self.run("publish", *words, **(variables or {}))
        assert done.returncode == 0, done.stderr
        self.published.add(version)

    def fresh(self) -> str:
        """A version nobody has run yet, published."""
        version = f"v{len(self.published) + 1}"
        self.publish(version)
        return version

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """One command, to its end."""
        done = subprocess.run(
            [str(ROOT / "scripts" / "run"), *words],
            env={**self.environment, **variables},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        keep("jobs", done.stdout, done.stderr)
        return done

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """One command, under way; its log is on stdout."""
        return subprocess.Popen(
            [str(ROOT / "scripts" / "run"), *words],
            env={**self.environment, **variables},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def rollout(self, version: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Publishes if need be and rolls out with the policy given; the defaults if none is."""
        self.publish(version)
        return self.run("rollout", "--version", version, *words)

    def bring_to(self, version: str) -> None:
        """The whole group at once: the quick way to where a test begins."""
        done = self.rollout(version, "--canary", "0", "--max-unavailable", "100%")
        assert done.returncode == 0, done.stderr

    def answers(self) -> set[str]:
        """What the instances in service answer, asked one by one: the versions they serve."""
        return {self._answer(each) for each in self.in_service()}

    def in_service(self) -> list[str]:
        [group] = client_of(self.cloud, "autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return [each["InstanceId"] for each in group["Instances"] if each["LifecycleState"] == "InService"]

    def suspended(self) -> set[str]:
        [group] = client_of(self.cloud, "autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return {each["ProcessName"] for each in group["SuspendedProcesses"]}

    def fill(self) -> None:
        """As many instances in service as the cloud began with."""
        size = self.cloud.options.instances
        self.scale(size)
        eventually(f"{size} instances in service", lambda: len(self.in_service()) == size, patience=60)

    def registered(self) -> set[str]:
        """The instances in the target group, those on their way out left out."""
        arn = self.cloud.environment["TARGET_GROUP_ARN"]
        found = client_of(self.cloud, "elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return {each["Target"]["Id"] for each in found if each["TargetHealth"]["State"] != "draining"}

    def sent(self) -> list[tuple[str, str]]:
        """Every invocation there ever was, as its order's comment and the instance."""
        commands = self.cloud.run_command.visible()
        return [(command.comment, each.instance_id) for command in commands for each in command.invocations]

    def scale(self, desired: int) -> None:
        client_of(self.cloud, "autoscaling").set_desired_capacity(
            AutoScalingGroupName=self.cloud.options.group, DesiredCapacity=desired
        )

    def alarm(self, name: str, state: str = "OK") -> None:
        """A CloudWatch alarm of that name is in that state."""
        cloudwatch = client_of(self.cloud, "cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            MetricName="errors",
            Namespace="orange",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
            Statistic="Sum",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="the test")

    def document(self, name: str) -> dict[str, Any]:
        """One of the group's documents in the bucket: desired.json, lease.json, rollouts/…"""
        stored = client_of(self.cloud, "s3").get_object(Bucket=self.cloud.options.bucket, Key=self.key(name))
        found: dict[str, Any] = json.loads(stored["Body"].read())
        return found

    def desired(self) -> str:
        """The desired version; "" before the first promotion."""
        s3 = client_of(self.cloud, "s3")
        found = s3.list_objects_v2(Bucket=self.cloud.options.bucket, Prefix=self.key("desired.json"))
        return str(self.document("desired.json")["version"]) if found["KeyCount"] else ""

    def write(self, name: str, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        client_of(self.cloud, "s3").put_object(Bucket=self.cloud.options.bucket, Key=self.key(name), Body=body)

    def key(self, name: str) -> str:
        return f"{self.cloud.options.app}/groups/{self.cloud.options.group}/{name}"

    def _answer(self, instance_id: str) -> str:
        address = self.cloud.fleet.address_of(instance_id)
        try:
            with urllib.request.urlopen(f"http://{address}:8080/", timeout=5) as answer:
                return str(answer.read().decode().split()[0])
        except (urllib.error.URLError, OSError) as error:
            return f"nothing: {error}"


@contextmanager
def delivering(folders: pytest.TempPathFactory, instances: int, **wanted: Any) -> Iterator[Delivery]:
    """A delivery to a cloud of its own: a group behind a load balancer, its instances processes."""
    options = CloudOptions(folders.mktemp("cloud"), instances=instances, runtime="process", target_group=True, **wanted)
    with Cloud(options) as cloud:
        yield Delivery(cloud, folders.mktemp("application"))
