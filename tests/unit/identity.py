"""The roles of infra/, read out of the template for given parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import policies
from deployer.infra.roles import Role, identity_roles

ACCOUNT, REGION = "123456789012", "ap-northeast-2"
ISSUER = "token.actions.githubusercontent.com"
LEAST = policies.LEAST
FULL = {
    **policies.FULL,
    "KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1111-2222",
    "PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
}


def roles(**parameters: str) -> Mapping[str, Role]:
    return identity_roles({**LEAST, **parameters}, ACCOUNT, REGION)


def statements(role: Role) -> Iterator[Mapping[str, Any]]:
    for policy in role.policies.values():
        yield from policy["Statement"]


def actions(role: Role) -> set[str]:
    return {action for each in statements(role) for action in listed(each["Action"])}


def statement(role: Role, action: str) -> Mapping[str, Any]:
    (found,) = (each for each in statements(role) if action in listed(each["Action"]))
    return found


def decrypted(role: Role) -> list[str]:
    """The parameters whose values the role may decrypt, whose every permission to do so is bound to them."""
    decrypting = [each for each in statements(role) if "kms:Decrypt" in listed(each["Action"])]
    return [each["Condition"]["StringLike"]["kms:EncryptionContext:PARAMETER_ARN"] for each in decrypting]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def condition(role: Role) -> Mapping[str, Any]:
    found: Mapping[str, Any] = role.trust["Statement"][0]["Condition"]
    return found
