"""Whom registries know this job as: its docker login, and for ECR its AWS identity."""

from __future__ import annotations

import os
from dataclasses import replace

from deployer.aws import ecr
from deployer.aws.session import open_session
from deployer.github.console import Console
from deployer.image import credentials
from deployer.image.registry import Credentials
from deployer.inputs import Access


def credentials_for(inputs: Access, console: Console) -> Credentials:
    """How to find user and password for a registry's host; every password found is masked.

    A login that is there wins. ECR's own needs an AWS session, in the region of the registry.
    """

    def find(registry: str) -> tuple[str, str] | None:
        found = credentials.from_docker(os.environ, registry)
        if found is None and ecr.is_ecr(registry):
            found = ecr_login(inputs, registry, console)
        if found is not None:
            console.mask(found[1])
        return found

    return find


def ecr_login(inputs: Access, registry: str, console: Console) -> tuple[str, str]:
    """User and password for an ECR registry; raises Refused when AWS says no."""
    session = open_session(replace(inputs, aws_region=ecr.region_of(registry)), console)
    user, password = ecr.login(session.client("ecr"))
    console.mask(password)
    return user, password
