"""Amazon ECR: whom its registries know us as."""

from __future__ import annotations

import base64
import re
from typing import Any

from deployer.aws.refusals import calling
from deployer.core.errors import Refused

AGAIN = "run again; if it stays so, log in before this step with docker login"

_HOST = re.compile(r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


def is_ecr(registry: str) -> bool:
    """Whether the registry's host is one of ECR's private registries."""
    return _HOST.fullmatch(registry) is not None


def region_of(registry: str) -> str:
    """The AWS region an ECR registry is in, which need not be the rollout's."""
    match = _HOST.fullmatch(registry)
    return match["region"] if match else ""


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
