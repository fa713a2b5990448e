"""Every permission the five roles grant: one for each action of each statement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.infra.roles import identity_roles
from localcloud.aws.account import ACCOUNT
from localcloud.github.issuer import Job
from localcloud.options import CloudOptions

KEY = f"arn:aws:kms:ap-northeast-2:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True, order=True)
class Grant:
    """`statement` is `policy/Sid`, as the record of the local cloud names it."""

    role: str
    statement: str
    action: str


def grants() -> dict[Grant, list[str]]:
    """Each with its resources, for an application that uses all the template offers."""
    options = CloudOptions(Path(), target_group=True)
    everything = {**options.identity(Job()), "KmsKeyArn": KEY}
    found: dict[Grant, list[str]] = {}
    for name in (options.parameters, f"{options.parameters}/"):
        roles = identity_roles({**everything, "ParameterName": name}, ACCOUNT, options.region)
        for role, each in roles.items():
            for policy, document in each.policies.items():
                for statement in document["Statement"]:
                    for action in _listed(statement["Action"]):
                        grant = Grant(role, f"{policy}/{statement['Sid']}", action)
                        found[grant] = _listed(statement["Resource"])
    return found


def role_of(principal: str) -> str:
    """The template's name of a role or user of a local cloud; empty for any other."""
    ends = {
        "deployer": "Deployer",
        "instance": "Instance",
        "monitoring": "Monitoring",
        "status": "Status",
        "janitor": "Janitor",
    }
    ends["operator"] = "Deployer"  # has the deployer's policies: localcloud.roles
    return ends.get(principal.rpartition("-")[2], "")


def _listed(value: Any) -> list[str]:
    return [str(value)] if isinstance(value, str) else [str(each) for each in value]
