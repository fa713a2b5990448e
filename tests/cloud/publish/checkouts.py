"""A working directory with an application to publish, and how the tests publish it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployer import cli

DIGEST = "sha256:" + "d" * 64
ORANGE = f"team/orange@{DIGEST}"
COMPOSE = """\
version: '3.8'
services:
  spring_server:
    image: ${DOCKERHUB_USERNAME}/orange
    env_file:
      - ../.env
  promtail:
    image: REGISTRY/grafana/promtail
    env_file:
      - ../.env
    volumes:
      - ./promtail-config.yml:/promtail-config.yml
"""
FLAGS = {
    "app": "orange",
    "bucket": "releases",
    "version": "v1",
    "images": f"spring_server={ORANGE}",
    "parameters": "/orange/env",
    "environment-file": "../.env",
    "health-check": "http://localhost:8080/",
    "aws-region": "eu-central-1",
}


def empty(client: Any, bucket: str) -> None:
    if bucket in [each["Name"] for each in client.list_buckets()["Buckets"]]:
        for each in client.list_objects_v2(Bucket=bucket).get("Contents", ()):
            client.delete_object(Bucket=bucket, Key=each["Key"])
        client.delete_bucket(Bucket=bucket)


def publish(env: Mapping[str, str] | None = None, /, **changes: str) -> int:
    flags = {**FLAGS, **{name.replace("_", "-"): value for name, value in changes.items()}}
    words = [f"--{name}={value}" for name, value in flags.items() if value]
    return cli.main(["publish", "--json", *words], env or {})


def objects(s3: Any) -> dict[str, bytes]:
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="releases").get("Contents", ())]
    return {key: s3.get_object(Bucket="releases", Key=key)["Body"].read() for key in keys}
