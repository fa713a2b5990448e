"""IAM roles, read only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployer.aws.refusals import calling
from deployer.core.errors import BadInput


def trust_policy(iam: Any, arn: str) -> Mapping[str, Any]:
    """Who may assume the role; raises BadInput where there is no such role."""
    with calling(f"iam:GetRole on {arn}"):
        try:
            role = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]
        except iam.exceptions.NoSuchEntityException as error:
            raise BadInput(
                f"there is no role {arn}",
                "make it with the stack of infra/identity.yml (docs/infrastructure.md), whose output DeployerRoleArn"
                " is what role-to-assume takes",
            ) from error
    policy: Mapping[str, Any] = role["AssumeRolePolicyDocument"]
    return policy


def of_profile(iam: Any, name: str) -> str:
    """The ARN of the role in an instance profile; "" where it has none."""
    with calling(f"iam:GetInstanceProfile of {name}"):
        found = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    return str(found[0]["Arn"]) if found else ""
