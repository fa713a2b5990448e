"""Instances in front of S3 and Parameter Store: what the tests of the loader and `activate` stand on."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from deployer import instance_files
from deployer.commands import render
from deployer.core.marker import MAX_LENGTH, Marker, find_marker
from localcloud.options import CANARY
from localcloud.runtime import Finished, Run, Script
from localcloud.runtime.process import ProcessRuntime
from localcloud.runtime.process_containers import Engine
from localcloud.runtime.process_image import push
from localcloud.runtime.process_registry import ProcessRegistry

BUCKET = "fleet-releases"
APP = "Orange"
GROUP = "fleet"
PARAMETER = "/orange/env"
NO_METADATA = 9  # discard: nothing listens
PASSWORD = f's3cr3t {CANARY} $HOME "quoted" \\ #x'
DOTENV = f"GREETING=hello\nPASSWORD={PASSWORD}\n"

# The team's own compose file, with ports and names kept.
COMPOSE = """\
version: '3.8'
services:
  spring_server:
    image: ${DOCKERHUB_USERNAME}/orange
    container_name: orange
    env_file:
      - ../.env
    ports:
      - "8080:8080"
    volumes:
      - /var/log/spring-boot:/var/log/spring-boot
    environment:
      - TZ=Asia/Seoul
  promtail:
    image: grafana/promtail
    container_name: promtail
    env_file:
      - ../.env
    ports:
      - "9080:9080"
    volumes:
      - ./promtail-config.yml:/promtail-config.yml
"""


@dataclass(frozen=True)
class Published:
    """A release in the bucket."""

    version: str
    manifest_sha256: str
    image: str


class Surroundings:
    """What all instances share."""

    def __init__(self, endpoint: str, registry: ProcessRegistry, directory: Path) -> None:
        self.registry = registry
        self._ids = itertools.count(1)
        access = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
        self.s3 = boto3.client("s3", endpoint_url=endpoint, **access)
        self.ssm = boto3.client("ssm", endpoint_url=endpoint, **access)
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.ssm.put_parameter(Name=PARAMETER, Value=DOTENV, Type="SecureString")
        self.promtail = push(registry.address, "grafana/promtail", "3").partition("/")[2]
        self._environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "eu-west-1",
            "REGISTRY": registry.address,
        }
        self.runtime = self.runtime_in(directory)

    def runtime_in(self, directory: Path) -> ProcessRuntime:
        """A runtime that keeps its state there."""
        return ProcessRuntime(directory, self._environment, ())

    @contextmanager
    def instance(self) -> Iterator[Instance]:
        """A new instance, without user data; its group has no desired release."""
        self.s3.delete_object(Bucket=BUCKET, Key=f"{APP}/groups/{GROUP}/desired.json")
        identity = f"i-{next(self._ids):017x}"
        machine = self.runtime.boot(identity, "#!/bin/sh\n", NO_METADATA)
        yield Instance(self, identity, machine.address)
        self.runtime.terminate(identity)


@dataclass
class Instance:
    """One instance; `run` sends a command through the SSM document's own script and returns the marker it ends with."""

    surroundings: Surroundings
    identity: str
    address: str
    last: Finished | None = None

    def __post_init__(self) -> None:
        self.s3, self.ssm, self.runtime = self.surroundings.s3, self.surroundings.ssm, self.surroundings.runtime

    @property
    def root(self) -> Path:
        return self.runtime.root(self.identity)

    @property
    def home(self) -> Path:
        return self.root / "var/lib/deployer" / APP

    def publish(
        self,
        version: str,
        *,
        unhealthy: bool = False,
        exit_code: int | None = None,
        promtail: str = "",
        parameters: str = PARAMETER,
        files: Mapping[str, bytes] | None = None,
        spoil: Callable[[dict[str, Any]], None] | None = None,
        indent: int | None = 2,
    ) -> Published:
        """Puts a release with the team's application into the bucket, by the contract (docs/contracts.md).

        `promtail` is the image of the application's second container; by default one that serves. `files` are more
        of them, by their paths.
        """
        image = push(self.surroundings.registry.address, "team/orange", version, unhealthy, exit_code)
        images = {"spring_server": image, "promtail": promtail or self.surroundings.promtail}
        override = json.dumps({"services": {name: {"image": each} for name, each in images.items()}})
        named = {
            **(files or {}),
            "docker-compose.yml": COMPOSE.encode(),
            "promtail-config.yml": b"server:\n  http_listen_port: ${PROMTAIL_PORT}\n",
            "compose.images.yml": override.encode(),
        }
        activate = instance_files.activate().encode()
        manifest = _manifest(version, images, parameters, named, activate)
        if spoil:
            spoil(manifest)
        body = (json.dumps(manifest, indent=indent, ensure_ascii=False) + "\n").encode()
        for path, content in {**named, "activate": activate, "release.json": body}.items():
            self.s3.put_object(Bucket=BUCKET, Key=f"{APP}/releases/{version}/{path}", Body=content)
        return Published(version, _sha256(body), image)

    def promote(self, release: Published | None, generation: int, indent: int | None = 2) -> None:
        """Writes desired.json; no release: there is nothing to run."""
        desired = {
            "schema": 1,
            "previous": {"version": "v0", "manifest_sha256": "0" * 64},
            "generation": generation,
            "version": release.version if release else "",
            "manifest_sha256": release.manifest_sha256 if release else "",
            "updated_at": "2026-01-01T00:00:00Z",
            "updated_by": 'a test of {"version": "v9"}, "version": "v8"',
        }
        body = (json.dumps(desired, indent=indent) + "\n").encode()
        self.s3.put_object(Bucket=BUCKET, Key=f"{APP}/groups/{GROUP}/desired.json", Body=body)

    def run(
        self,
        subcommand: str,
        release: Published | None = None,
        generation: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Marker:
        self.last = self.start(subcommand, release, generation, environment).wait()
        marker = find_marker(self.last.stdout)
        assert marker is not None, self.last
        assert len(self.last.stdout.splitlines()[-1]) <= MAX_LENGTH
        assert (self.last.exit_code == 0) == (marker.outcome in ("activated", "unchanged")), self.last
        return marker

    def start(
        self,
        subcommand: str,
        release: Published | None = None,
        generation: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        values = {
            "Subcommand": subcommand,
            "App": APP,
            "Bucket": BUCKET,
            "Group": GROUP,
            "Version": release.version if release else "",
            "ManifestSha256": release.manifest_sha256 if release else "",
            "Generation": "" if generation is None else str(generation),
        }
        variables = {f"SSM_{name}": value for name, value in values.items()} | dict(environment or {})
        return self.runtime.run(self.identity, Script(_document_script(), variables, timeout=60))

    def get(self, port: int = 8080) -> tuple[int, str]:
        """Status and body of what the instance answers; (0, "") if nothing listens."""
        connection = http.client.HTTPConnection(self.address, port, timeout=5)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            return answer.status, answer.read().decode().strip()
        except ConnectionRefusedError:
            return 0, ""
        finally:
            connection.close()

    def state(self) -> Mapping[str, str]:
        """What the instance remembers; empty before its first activation."""
        path = self.home / "state"
        lines = path.read_text().splitlines() if path.exists() else []
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    def next_generation(self) -> int:
        """One more than the instance has followed."""
        return int(self.state().get("generation", "0")) + 1

    def engine(self) -> Engine:
        """The instance's containers and images."""
        return Engine(self.root.parent)

    def containers(self) -> dict[str, str]:
        """Name to id."""
        return {each.name: each.id for each in self.engine().containers()}

    def environment_of(self, name: str) -> dict[str, str]:
        """What the container was given."""
        directory = self.root.parent / "containers" / self.containers()[name]
        environment: dict[str, str] = json.loads((directory / "container.json").read_text())["environment"]
        return environment


def _document_script() -> str:
    step = json.loads(render.document())["mainSteps"][0]
    return "\n".join(step["inputs"]["runCommand"])


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _manifest(
    version: str, images: Mapping[str, str], parameters: str, files: Mapping[str, bytes], activate: bytes
) -> dict[str, Any]:
    return {
        "schema": 1,
        "app": APP,
        "version": version,
        "created_at": "2026-01-01T00:00:00Z",
        "git": {"sha": "", "ref": "", "repository": ""},
        "run": {"id": "", "attempt": "", "url": "", "actor": ""},
        "images": dict(images),
        "environment": {"parameters": parameters, "file": "../.env"},
        "compose": ["docker-compose.yml", "compose.images.yml"],
        "health": {"url": "http://localhost:8080/", "status": 200, "timeout": 3, "successes": 2},
        "files": [{"path": path, "sha256": _sha256(body), "size": len(body)} for path, body in files.items()],
        "activate": {"path": "activate", "sha256": _sha256(activate)},
    }
