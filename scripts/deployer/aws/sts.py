"""An IAM role for a GitHub job: sts:AssumeRoleWithWebIdentity, renewed before the credentials run out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.aws import trust
from deployer.aws.caller import Access, Job, Token
from deployer.aws.refusals import translate
from deployer.core.errors import BadInput, DeployError

if TYPE_CHECKING:  # boto3 costs 0.2 s: it is imported where a session is opened
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import RefreshableCredentials

SHORTEST, LONGEST = 900, 43_200
"""Seconds a role's session may last: STS's own bounds."""

_ROLE = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::\d{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)


@dataclass(frozen=True)
class RoleRequest:
    """One role, asked for in one way, checked."""

    role_arn: str
    session_name: str
    duration: int
    """Seconds."""
    audience: str


def request_from(access: Access, run_tag: str) -> RoleRequest:
    """What to ask STS for; raises BadInput for a role that is no ARN and a duration STS would refuse."""
    match = _ROLE.fullmatch(access.role_to_assume)
    if not match:
        raise BadInput(
            f"role-to-assume is {access.role_to_assume!r}: that is no ARN of an IAM role",
            "write it in full: arn:aws:iam::123456789012:role/NAME",
        )
    if not SHORTEST <= access.role_duration_seconds <= LONGEST:
        raise BadInput(
            f"role-duration-seconds is {access.role_duration_seconds}: STS takes {SHORTEST} to {LONGEST}",
            "leave it out: the credentials are renewed while a command runs",
        )
    return RoleRequest(
        role_arn=match[0],
        session_name=_session_name(access.role_session_name, run_tag),
        duration=access.role_duration_seconds,
        audience=access.audience or audience_for(match["partition"]),
    )


def audience_for(partition: str) -> str:
    """The audience GitHub tokens are minted for by convention; China has its own."""
    return "sts.amazonaws.com.cn" if partition == "aws-cn" else "sts.amazonaws.com"


def assume(core: botocore.session.Session, config: Config, request: RoleRequest, job: Job) -> RefreshableCredentials:
    """Credentials of the role, which get themselves successors with a new token of `job` when they grow old.

    Raises BadInput or Refused with cause and fix when GitHub or STS says no, now or at a later renewal.
    """
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.credentials import RefreshableCredentials

    # the token is all the proof there is
    client = core.create_client("sts", config=config.merge(Config(signature_version=UNSIGNED)))

    def renew() -> dict[str, str]:
        return _trade(client, request, job.identity_token(request.audience))

    return RefreshableCredentials.create_from_metadata(
        renew(),
        refresh_using=renew,
        method="assume-role-with-web-identity",
        # botocore's own 15 and 10 minutes would renew a session of 900 s at every single call
        advisory_timeout=min(900, request.duration // 3),
        mandatory_timeout=min(600, request.duration // 6),
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


def _trade(client: Any, request: RoleRequest, token: Token) -> dict[str, str]:
    """The role's credentials for the token, in the words of botocore's refreshable credentials.

    The client retries throttling, 5xx and STS not reaching GitHub; a denial is final at once.
    """
    try:
        credentials = client.assume_role_with_web_identity(
            RoleArn=request.role_arn,
            RoleSessionName=request.session_name,
            WebIdentityToken=token.value,
            DurationSeconds=request.duration,
        )["Credentials"]
    except Exception as error:
        refusal = _refusal(error, request, token)
        if refusal is None:
            raise
        raise refusal from error
    return {
        "access_key": credentials["AccessKeyId"],
        "secret_key": credentials["SecretAccessKey"],
        "token": credentials["SessionToken"],
        "expiry_time": credentials["Expiration"].isoformat(),
    }


def _refusal(error: Exception, request: RoleRequest, token: Token) -> DeployError | None:
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        answer = error.response["Error"]
        code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
        about_trust = trust.refusal(code, message, request.role_arn, token.claims)
        if about_trust:
            return about_trust
    return translate(error, f"{trust.CALL} for {request.role_arn}")
