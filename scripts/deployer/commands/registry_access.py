"""Whom registries know this job as: its docker login, and for ECR its AWS identity."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from deployer.aws import ecr, reach
from deployer.aws.session import open_session
from deployer.core.errors import DeployError
from deployer.github.console import Console
from deployer.image import credentials
from deployer.image.registry import Credentials
from deployer.inputs import Access


def credentials_for(inputs: Access, console: Console, pushed_to: Sequence[str] = ()) -> Credentials:
    """How to find user and password for a registry's host; every password found is masked.

    `pushed_to` are the names of images that are pushed, registry included (`*` stands for any); the rest is only read.
    """

    @cache
    def find(registry: str) -> tuple[str, str] | None:
        found = ecr_login(inputs, registry, console, pushed_to) if ecr.is_ecr(registry) else None
        found = found or credentials.from_docker(os.environ, registry)
        if found is not None:
            console.mask(found[1])
        return found

    return find


def ecr_login(inputs: Access, registry: str, console: Console, pushed_to: Sequence[str] = ()) -> tuple[str, str] | None:
    """User and password for an ECR registry, by our AWS identity in the registry's region.

    It goes before a login docker has kept, which ends after 12 hours. None if there is such a login and AWS says no;
    without one AWS's refusal is raised.
    """
    try:
        place, repositories = replace(inputs, aws_region=ecr.region_of(registry)), _repositories(pushed_to, registry)
        session = open_session(place, console, reach=reach.images(ecr.account_of(registry), repositories))
        return ecr.login(session.client("ecr"))
    except DeployError:
        if credentials.from_docker(os.environ, registry) is None:
            raise
        return None


def _repositories(images: Sequence[str], registry: str) -> list[str]:
    """The repositories of those images that are in this registry."""
    parts = (each.partition("/") for each in images)
    return [repository for host, _, repository in parts if host == registry]
