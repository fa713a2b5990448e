"""The roles of the account, exactly as `infra/identity.yml` makes them, and the person whose credentials are given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from deployer.infra.roles import Role
from localcloud.aws.account import ADMINISTRATOR

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
DEPLOYER = "deployer"
OPERATORS = {ADMINISTRATOR: ADMINISTRATOR, DEPLOYER: "operator"}
"""Who the person may be, and the name of that user."""

_EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def make_provider(iam: Any) -> None:
    """GitHub's identity provider."""
    iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE])


def make_roles(iam: Any, roles: Iterable[Role]) -> None:
    """Roles with their policies; those that EC2 may assume with an instance profile of the same name."""
    for role in roles:
        bounded = {"PermissionsBoundary": role.boundary} if role.boundary else {}
        iam.create_role(
            RoleName=role.name,
            AssumeRolePolicyDocument=json.dumps(role.trust),
            MaxSessionDuration=role.max_session_seconds,
            **bounded,
        )
        for name, document in role.policies.items():
            iam.put_role_policy(RoleName=role.name, PolicyName=name, PolicyDocument=json.dumps(document))
        if _is_for_instances(role.trust):
            iam.create_instance_profile(InstanceProfileName=role.name)
            iam.add_role_to_instance_profile(InstanceProfileName=role.name, RoleName=role.name)


def make_operator(iam: Any, who: str, deployer: Role) -> tuple[str, str]:
    """A user's access key and secret.

    An administrator may everything, as whoever tries things out is used to. As the deployer the user has that role's
    own policies, and no others: what works then works with the role that a workflow assumes. A session of that role
    would be nearer still, but would end after an hour under a person.
    """
    name, policies = OPERATORS[who], deployer.policies if who == DEPLOYER else {"everything": _EVERYTHING}
    iam.create_user(UserName=name)
    for policy, document in policies.items():
        iam.put_user_policy(UserName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def _is_for_instances(trust: Mapping[str, Any]) -> bool:
    return any(each["Principal"].get("Service") == "ec2.amazonaws.com" for each in trust["Statement"])
