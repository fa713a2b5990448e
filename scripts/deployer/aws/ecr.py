"""Amazon ECR: whom its registries know us as."""

from __future__ import annotations

import base64
import re
from typing import Any

from deployer.aws.refusals import calling
from deployer.core.errors import BadInput, Refused

AGAIN = "run again; if it stays so, log in before this step with docker login"

_HOST = re.compile(r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


def is_ecr(registry: str) -> bool:
    """Whether the registry's host is one of ECR's private registries."""
    return _HOST.fullmatch(registry) is not None


def region_of(registry: str) -> str:
    """The AWS region an ECR registry is in, which need not be the rollout's."""
    match = _HOST.fullmatch(registry)
    return match["region"] if match else ""


def account_of(registry: str) -> str:
    """The account an ECR registry belongs to."""
    match = _HOST.fullmatch(registry)
    return match["account"] if match else ""


def login(client: Any) -> tuple[str, str]:
    """User and password for every registry the caller may use in the client's region; good for 12 hours.

    `client` is boto3's for ECR. Needs ecr:GetAuthorizationToken on `*`. Mask the password before it meets a log.
    """
    with calling("ecr:GetAuthorizationToken"):
        answer = client.get_authorization_token()
    try:
        token = answer["authorizationData"][0]["authorizationToken"]
        user, colon, password = base64.b64decode(token).decode().partition(":")
    except (KeyError, IndexError, ValueError) as error:
        raise Refused("ecr:GetAuthorizationToken answered without a token", AGAIN) from error
    if not colon:
        raise Refused("ecr:GetAuthorizationToken answered with a token of an unknown form", AGAIN)
    return user, password


def has_fixed_tags(client: Any, repository: str) -> bool:
    """Whether a tag of the repository never moves; raises BadInput where there is no such repository."""
    with calling(f"ecr:DescribeRepositories of {repository}"):
        try:
            found = client.describe_repositories(repositoryNames=[repository])["repositories"][0]
        except client.exceptions.RepositoryNotFoundException as error:
            raise _no_repository(client, repository) from error
    return str(found.get("imageTagMutability", "")).startswith("IMMUTABLE")


def check_there(client: Any, repository: str) -> None:
    """Raises BadInput where there is no such repository; takes what a push takes anyway (ecr:BatchGetImage)."""
    with calling(f"ecr:BatchGetImage of {repository}"):
        try:
            client.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "latest"}])
        except client.exceptions.RepositoryNotFoundException as error:
            raise _no_repository(client, repository) from error


def _no_repository(client: Any, repository: str) -> BadInput:
    region = client.meta.region_name
    return BadInput(
        f"there is no ECR repository {repository} in {region}",
        f"aws ecr create-repository --repository-name {repository} --image-tag-mutability IMMUTABLE --region {region}",
    )
