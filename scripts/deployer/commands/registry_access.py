"""Whom registries know this job as: its docker login, and for ECR its AWS identity."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache

from deployer.aws import ecr, reach
from deployer.aws.session import open_session
from deployer.core.errors import DeployError
from deployer.github.console import Console
from deployer.image import credentials
from deployer.image.registry import Credentials
from deployer.inputs import Access


def credentials_for(inputs: Access, console: Console, pushed_to: str = "") -> Credentials:
    """How to find user and password for a registry's host; every password found is masked.

    `pushed_to` is the name of the image that is pushed, registry included; the rest is only read.
    """

    @cache
    def find(registry: str) -> tuple[str, str] | None:
        found = ecr_login(inputs, registry, console, pushed_to) if ecr.is_ecr(registry) else None
        found = found or credentials.from_docker(os.environ, registry)
        if found is not None:
            console.mask(found[1])
        return found

    return find


def ecr_login(inputs: Access, registry: str, console: Console, pushed_to: str = "") -> tuple[str, str] | None:
    """User and password for an ECR registry, by our AWS identity in the registry's region.

    It goes before a login docker has kept, which ends after 12 hours. None if there is such a login and AWS says no;
    without one AWS's refusal is raised.
    """
    try:
        place, repository = replace(inputs, aws_region=ecr.region_of(registry)), _repository(pushed_to, registry)
        session = open_session(place, console, reach=reach.images(ecr.account_of(registry), repository))
        return ecr.login(session.client("ecr"))
    except DeployError:
        if credentials.from_docker(os.environ, registry) is None:
            raise
        return None


def _repository(image: str, registry: str) -> str:
    """The image's repository, if it is in this registry."""
    host, _, repository = image.partition("/")
    return repository if host == registry else ""
