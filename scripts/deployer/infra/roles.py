"""The roles and policies of `infra/`, as IAM gets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployer.core.errors import BadInput
from deployer.infra.template import Place, Template

IDENTITY, STORAGE = "identity.yml", "storage.yml"
DEFAULT_SESSION = 3600
"""Seconds: IAM's default for MaxSessionDuration."""
LONGEST_NAME = 64
"""IAM: characters of a role's name."""


@dataclass(frozen=True)
class Role:
    """One role: who may be it, and what it may do (inline policies by name)."""

    name: str
    trust: Mapping[str, Any]
    policies: Mapping[str, Mapping[str, Any]]
    max_session_seconds: int
    boundary: str = ""
    """ARN of its permissions boundary; empty for none."""


def identity_roles(
    parameters: Mapping[str, str], account: str, region: str, partition: str = "aws"
) -> Mapping[str, Role]:
    """The roles of infra/identity.yml by logical id: Deployer, Instance, Monitoring, Status, and Janitor
    where one is asked for; raises BadInput."""
    template = Template(IDENTITY, parameters, Place(account, region, partition))
    return {name: _role(template.properties(name)) for name in template.of_type("AWS::IAM::Role")}


def storage_policy(
    parameters: Mapping[str, str], account: str, region: str, partition: str = "aws"
) -> Mapping[str, Any]:
    """The bucket policy of infra/storage.yml; raises BadInput."""
    template = Template(STORAGE, parameters, Place(account, region, partition))
    policy: Mapping[str, Any] = template.properties("BucketPolicy")["PolicyDocument"]
    return policy


def _role(properties: Mapping[str, Any]) -> Role:
    if len(properties["RoleName"]) > LONGEST_NAME:
        raise BadInput(
            f"a role cannot be called {properties['RoleName']}: IAM takes {LONGEST_NAME} characters",
            "give RoleNamePrefix=…, with which the names begin instead of the group's",
        )
    return Role(
        name=properties["RoleName"],
        trust=properties["AssumeRolePolicyDocument"],
        policies={each["PolicyName"]: each["PolicyDocument"] for each in properties["Policies"]},
        max_session_seconds=int(properties.get("MaxSessionDuration", DEFAULT_SESSION)),
        boundary=properties.get("PermissionsBoundary", ""),
    )
