"""One instance with an engine of its own, in front of S3, Parameter Store and a registry; releases published for it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from deployer import cli
from deployer.commands import render
from deployer.core.marker import Marker, find_marker
from deployer.core.release import sha256_of
from localcloud.registry import Registry
from localcloud.runtime import Finished, Run, Script
from localcloud.runtime.docker import DockerRuntime
from tests.cloud.moto import moto_server
from tests.e2e.cloud import page
from tests.e2e.real_images import Shelf
from tests.waiting import eventually

APP, GROUP = "orange", "fleet"
HOME = f"/var/lib/deployer/{APP}"
NAME = "i-one"
NO_METADATA = 9  # discard: nothing listens

SERVES = ("/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www")
ANSWERS_404 = ("/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/bin")

STOP_ENGINE = """
touch /run/engine-stopped
engine=$(cat /var/run/docker.pid)
kill -s "${SIGNAL:-TERM}" "${engine}"
while [ -e "/proc/${engine}" ]; do sleep 0.05; done
"""
START_ENGINE = """
rm -f /run/engine-stopped
until docker version >/dev/null 2>&1; do sleep 0.05; done
"""
# What EC2 has anyway: disks of the instance's own, here so small that a test can fill them; an engine that has read
# the daemon.json of user data.
FURNISH = f"""
{STOP_ENGINE}
mkdir -p /var/lib/deployer
mount -t tmpfs -o size=160m tmpfs /var/lib/docker
mount -t tmpfs -o size=16m tmpfs /var/lib/deployer
{START_ENGINE}
"""


@dataclass(frozen=True)
class Published:
    """A release in the bucket."""

    version: str
    manifest_sha256: str
    image: str


@dataclass
class RealInstance:
    """`run` sends a command through the SSM document's own script and returns the marker it ends with."""

    runtime: DockerRuntime
    registry: Registry
    bucket: str
    s3: Any
    ssm: Any
    folder: Path
    address: str
    said: list[str] = field(default_factory=list)
    """What the commands printed."""
    generation: int = 0

    def image(self, version: str, command: Sequence[str] = SERVES, ballast: int = 0) -> str:
        """An image in the registry whose page says its version, with so many bytes that no other image has."""
        files = {"www/index.html": version.encode(), "ballast": os.urandom(ballast)}
        return Shelf(self.registry.address).push("orange", command, files)

    def publish(
        self,
        version: str,
        image: str = "",
        service: Mapping[str, Any] | None = None,
        words: Sequence[str] = (),
        volumes: Sequence[str] = (),
    ) -> Published:
        """A release of one service, whose image serves unless another one is given; one good answer proves it."""
        image = image or self.image(version)
        # busybox does not care for SIGTERM when it is the first process of a container
        web = {"image": "orange", "ports": ["8080:8080"], "stop_signal": "SIGKILL", **(service or {})}
        project = {"services": {"web": web}, "volumes": dict.fromkeys(volumes)}
        (self.folder / "compose.yml").write_text(json.dumps(project))
        flags = ["--app", APP, "--bucket", self.bucket, "--version", version, "--compose-files", "compose.yml"]
        flags += ["--images", f"web={image}", "--health-check", "http://localhost:8080/", "--health-timeout", "20s"]
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            assert cli.main(["publish", *flags, *words], {}) == 0
        key = f"{APP}/releases/{version}/release.json"
        body = (
            self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().replace(b'"successes": 3', b'"successes": 1')
        )
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return Published(version, sha256_of(body), image)

    def activate(self, release: Published) -> Marker:
        """As a new rollout orders it."""
        self.generation += 1
        return self.run("activate", release)

    def run(self, subcommand: str, release: Published) -> Marker:
        done = self.start(subcommand, release).wait()
        self.said += [done.stdout, done.stderr]
        marker = find_marker(done.stdout)
        assert marker is not None, done
        return marker

    def start(self, subcommand: str, release: Published) -> Run:
        values = {
            "Subcommand": subcommand,
            "App": APP,
            "Bucket": self.bucket,
            "Group": GROUP,
            "Version": release.version,
            "ManifestSha256": release.manifest_sha256,
            "Generation": str(self.generation),
        }
        variables = {f"SSM_{name}": value for name, value in values.items()}
        return self.runtime.run(NAME, Script(_document_script(), variables, timeout=120))

    def sh(self, text: str, **environment: str) -> Finished:
        """A script on the instance, to its end."""
        return self.runtime.run(NAME, Script(text, environment)).wait()

    def says(self, text: str) -> str:
        """What a script that works prints."""
        return printed(self.sh(text))

    def page(self) -> str:
        """What the load balancer would get; "" if nothing answers."""
        return page(f"http://{self.address}:8080/")

    def state(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.says(f"cat {HOME}/state").splitlines())


def printed(done: Finished) -> str:
    """What a script that works has printed."""
    assert done.exit_code == 0, done
    return done.stdout.rstrip("\n")


def _document_script() -> str:
    step = json.loads(render.document())["mainSteps"][0]
    return "\n".join(step["inputs"]["runCommand"])


@contextmanager
def real_instance(directory: Path, *registries: Registry) -> Iterator[RealInstance]:
    """Booted by the real user data into a group that desires nothing yet; its images come from the first registry."""
    with moto_server() as endpoint, pytest.MonkeyPatch.context() as patch:
        access = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "eu-west-1"}
        access |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        for name, value in access.items():
            patch.setenv(name, value)
        s3, ssm = (boto3.client(each, region_name="eu-west-1") for each in ("s3", "ssm"))
        bucket = f"orange-{uuid.uuid4()}"  # all of a process share one account
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        ports = [int(endpoint.rpartition(":")[2]), *(each.port for each in registries)]
        runtime = DockerRuntime(directory, access, ports)
        try:
            machine = runtime.boot(NAME, render.user_data(APP, bucket, GROUP, ""), NO_METADATA)
            eventually("user data has ended", lambda: "ended with" in runtime.user_data_log(NAME), patience=60)
            instance = RealInstance(runtime, registries[0], bucket, s3, ssm, directory, machine.address)
            instance.says(FURNISH)
            yield instance
        finally:
            runtime.close()


@contextmanager
def instance_and_registry(directory: Path) -> Iterator[RealInstance]:
    """The same, with a registry of its own that asks for no login; gone with the block."""
    registry = Registry(directory)
    registry.start()
    try:
        with real_instance(directory, registry) as instance:
            yield instance
    finally:
        registry.stop()
