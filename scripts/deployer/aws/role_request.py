"""Which roles to ask STS for, in which order and for how long: the inputs, checked before anything is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployer.aws.caller import Access
from deployer.aws.reach import Reach, Where, another_role, session_policy
from deployer.core.errors import BadInput

SHORTEST, LONGEST = 900, 43_200
"""Seconds a role's session may last: STS's own bounds."""
LONGEST_CHAINED = 3600
"""Seconds a session may last that another session asked for, whatever its role allows."""

_ROLE = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::\d{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


@dataclass(frozen=True)
class RoleRequest:
    """One role, asked for in one way, checked."""

    role_arn: str
    session_name: str
    duration: int
    """Seconds."""
    audience: str = ""
    """Of the job's token; "" for a role that is asked for with credentials."""
    external_id: str = ""
    policy: str = ""
    """The session policy; "" for none."""

    @property
    def account(self) -> str:
        """The account the role belongs to."""
        return self.role_arn.split(":")[4]


@dataclass(frozen=True)
class Roles:
    """The way to the credentials: by the job's token, from there on by a second role; either may be left out."""

    by_token: RoleRequest | None = None
    chained: RoleRequest | None = None

    @property
    def final(self) -> RoleRequest | None:
        """Whose credentials are used in the end; None for the ambient ones."""
        return self.chained or self.by_token


def roles_from(access: Access, run_tag: str, region: str = "", reach: Reach | None = None) -> Roles:
    """What to ask STS for; raises BadInput for what STS would refuse.

    Of a chain the first session can do nothing but assume the second role, which is held to `reach` in the region.
    """
    _check_duration(access)
    _check_external_id(access)
    reach = reach if access.narrow_session else None
    chained = _request("role-chain-to", access.role_chain_to, access, run_tag, region, reach)
    first = another_role(chained.role_arn) if chained and access.narrow_session else reach
    by_token = _request("role-to-assume", access.role_to_assume, access, run_tag, region, first)
    return Roles(by_token, chained)


def audience_for(partition: str) -> str:
    """The audience GitHub tokens are minted for by convention; China has its own."""
    return "sts.amazonaws.com.cn" if partition == "aws-cn" else "sts.amazonaws.com"


def _request(name: str, arn: str, access: Access, run_tag: str, region: str, reach: Reach | None) -> RoleRequest | None:
    """The role in the input `name`, if there is one."""
    if not arn:
        return None
    match = _ROLE.fullmatch(arn)
    if not match:
        raise BadInput(
            f"{name} is {arn!r}: that is no ARN of an IAM role",
            "write it in full: arn:aws:iam::123456789012:role/NAME",
        )
    chained = name == "role-chain-to"
    where = Where(match["partition"], region)
    return RoleRequest(
        role_arn=arn,
        session_name=_session_name(access.role_session_name, run_tag),
        duration=access.role_duration_seconds,
        audience="" if chained else access.audience or audience_for(match["partition"]),
        external_id=access.role_external_id if chained else "",
        policy=session_policy(reach, where) if reach else "",
    )


def _check_duration(access: Access) -> None:
    seconds = access.role_duration_seconds
    if not SHORTEST <= seconds <= LONGEST:
        raise BadInput(
            f"role-duration-seconds is {seconds}: STS takes {SHORTEST} to {LONGEST}",
            "leave it out: the credentials are renewed while a command runs",
        )
    if access.role_chain_to and seconds > LONGEST_CHAINED:
        raise BadInput(
            f"role-duration-seconds is {seconds}: STS gives {LONGEST_CHAINED} at most to a role that another role"
            " assumes (role-chain-to)",
            "leave it out: the credentials are renewed while a command runs",
        )


def _check_external_id(access: Access) -> None:
    if not access.role_external_id:
        return
    if not access.role_chain_to:
        raise BadInput(
            "role-external-id is given without role-chain-to: STS takes no external id with a GitHub token",
            "leave it out, or name in role-chain-to the role that asks for it",
        )
    if not _EXTERNAL_ID.fullmatch(access.role_external_id):
        raise BadInput(
            "role-external-id is not one STS takes: 2 to 1224 letters, digits and any of _+=,.@:/-",
            "write it as the trust policy of the role has it under sts:ExternalId",
        )


def _session_name(given: str, run_tag: str) -> str:
    """2 to 64 characters of STS's alphabet; what is outside it becomes a hyphen."""
    name = re.sub(r"[^\w+=,.@-]", "-", given or f"gha-{run_tag or 'local'}", flags=re.ASCII)[:64]
    if len(name) < 2:
        raise BadInput(
            f"role-session-name is {given!r}: STS takes 2 to 64 characters",
            "leave it out: it is gha-<run id>-<attempt> then; or give a longer one",
        )
    return name
