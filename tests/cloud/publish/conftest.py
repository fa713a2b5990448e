from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.cloud.publish.checkouts import COMPOSE, empty
from tests.cloud.registry_stub import RegistryStub, running


@pytest.fixture
def s3(aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in [each for each in os.environ if each.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client("s3", region_name="eu-central-1", config=Config(s3={"addressing_style": "path"}))
    empty(client, "releases")
    client.create_bucket(Bucket="releases", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return client


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RegistryStub]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with running(RegistryStub()) as stub:
        stub.add("grafana/promtail", "latest")
        yield stub


@pytest.fixture
def checkout(tmp_path: Path, registry: RegistryStub, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text(COMPOSE.replace("REGISTRY", registry.host))
    (folder / "promtail-config.yml").write_text("server: {http_listen_port: ${PROMTAIL_PORT}}\n")
    monkeypatch.chdir(folder)
    return folder
