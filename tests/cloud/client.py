"""Clients for a local cloud, as anybody would make them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from localcloud.aws.account import ROOT_KEY
from localcloud.cloud import Cloud


def client_of(cloud: Cloud, service: str) -> Any:
    """A client of the account itself, which may everything: for what a test arranges and looks at."""
    return client_with(cloud, service, {"AccessKeyId": ROOT_KEY, "SecretAccessKey": "unchecked"})


def operators_client(cloud: Cloud, service: str) -> Any:
    """A client with the environment `up` prints, which may what the deployer may."""
    environment = cloud.environment
    key, secret = environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    return client_with(cloud, service, {"AccessKeyId": key, "SecretAccessKey": secret})


def client_with(cloud: Cloud, service: str, credentials: Mapping[str, Any]) -> Any:
    """A client with what STS answered as `Credentials`; says no at once where AWS says no."""
    return _session().client(
        service,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials.get("SessionToken"),
        region_name=cloud.environment["AWS_REGION"],
        endpoint_url=cloud.environment["AWS_ENDPOINT_URL"],
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
    )


@cache
def _session() -> boto3.session.Session:
    """One for all: it keeps the service descriptions it has read."""
    return boto3.session.Session()
