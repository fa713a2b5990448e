"""Whom ECR's registries know us as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from deployer.aws import ecr
from deployer.core.errors import Refused


def test_login_is_aws_and_a_token(aws_endpoint: str) -> None:
    client = boto3.client(
        "ecr",
        endpoint_url=aws_endpoint,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    user, password = ecr.login(client)
    assert user == "AWS"
    assert password


@dataclass
class Answering:
    """A client of ECR that gives one answer."""

    answer: Any

    def get_authorization_token(self) -> Any:
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"authorizationData": []},
        {"authorizationData": [{"authorizationToken": "?"}]},
        {"authorizationData": [{"authorizationToken": "QVdT"}]},
    ],
)
def test_answer_without_a_token_is_refused(answer: Any) -> None:
    with pytest.raises(Refused, match="ecr:GetAuthorizationToken"):
        ecr.login(Answering(answer))


@pytest.mark.parametrize(
    ("registry", "region"),
    [
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "eu-central-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com.example.com", ""),
        ("public.ecr.aws", ""),
        ("docker.io", ""),
    ],
)
def test_registries_of_ecr_say_their_region(registry: str, region: str) -> None:
    assert ecr.region_of(registry) == region
    assert ecr.is_ecr(registry) == bool(region)
