"""Clients for a local cloud, as anybody would make them."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from localcloud.cloud import Cloud


def client_of(cloud: Cloud, service: str) -> Any:
    """A boto3 client with the environment `up` prints; says no at once where AWS says no."""
    environment = cloud.environment
    return _session().client(
        service,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
    )


@cache
def _session() -> boto3.session.Session:
    """One for all: it keeps the service descriptions it has read."""
    return boto3.session.Session()
