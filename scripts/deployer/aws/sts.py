"""Roles from STS: for a GitHub job's token, and from there on for a second role; renewed before they run out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deployer.aws import chaining, trust
from deployer.aws.caller import Job, Token
from deployer.aws.refusals import translate
from deployer.aws.renewal import Issued, renewed
from deployer.aws.role_request import RoleRequest
from deployer.core.errors import DeployError, Refused, Unanswered

if TYPE_CHECKING:  # boto3 costs 0.2 s: it is imported where a session is opened
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import RefreshableCredentials

PAUSES = (1.0, 3.0)
"""Seconds before another token is tried, where AWS says that a new one may do."""


def assume(core: botocore.session.Session, config: Config, request: RoleRequest, job: Job) -> RefreshableCredentials:
    """Credentials of the role, which get themselves successors with a new token of `job` when they grow old.

    Raises BadInput or Refused with cause and fix when GitHub or STS says no, now or at a later renewal.
    """
    from botocore import UNSIGNED
    from botocore.config import Config

    # the token is all the proof there is
    client = core.create_client("sts", config=config.merge(Config(signature_version=UNSIGNED)))
    return renewed(lambda: _for_a_token(client, request, job), "assume-role-with-web-identity")


def chain(
    core: botocore.session.Session, config: Config, request: RoleRequest, by: RoleRequest | None
) -> RefreshableCredentials:
    """Credentials of a second role, asked for again and again with the present credentials of `core`.

    They are those of the role `by`, which renew themselves first if need be, or None for ambient ones. Raises as
    `assume` does.
    """
    client = core.create_client("sts", config=config)
    return renewed(lambda: _for_credentials(client, request, by.role_arn if by else ""), "assume-role")


def _for_a_token(client: Any, request: RoleRequest, job: Job) -> Issued:
    """A token STS could not verify, or that was over, is followed by a new one: it may have been a matter of seconds.

    The client itself retries throttling, 5xx and STS not reaching GitHub; a denial is final at once.
    """
    for pause in PAUSES:
        try:
            return _trade(client, request, job.identity_token(request.audience))
        except trust.TokenNotTaken:
            time.sleep(pause)
    return _trade(client, request, job.identity_token(request.audience))


def _trade(client: Any, request: RoleRequest, token: Token) -> Issued:
    return _issued(
        lambda: client.assume_role_with_web_identity(WebIdentityToken=token.value, **_parameters(request)),
        f"{trust.CALL} for {request.role_arn}",
        lambda code, message: trust.refusal(code, message, request.role_arn, token.claims),
    )


def _for_credentials(client: Any, request: RoleRequest, by: str) -> Issued:
    return _issued(
        lambda: client.assume_role(**_parameters(request)),
        f"{chaining.CALL} for {request.role_arn}",
        lambda code, message: chaining.refusal(code, message, request.role_arn, request.external_id, by),
    )


def _parameters(request: RoleRequest) -> dict[str, Any]:
    optional = {"ExternalId": request.external_id, "Policy": request.policy}
    return {
        "RoleArn": request.role_arn,
        "RoleSessionName": request.session_name,
        "DurationSeconds": request.duration,
        **{name: value for name, value in optional.items() if value},
    }


def _issued(ask: Callable[[], Any], call: str, explain: Callable[[str, str], DeployError | None]) -> Issued:
    """The credentials in STS's answer; its noes as `explain` reads code and message, or as any service's."""
    from botocore.exceptions import ClientError

    try:
        given = ask()["Credentials"]
    except Exception as error:
        answer = error.response["Error"] if isinstance(error, ClientError) else {}
        refusal = explain(str(answer.get("Code", "")), str(answer.get("Message", ""))) or translate(error, call)
        if refusal is None:
            raise
        if isinstance(refusal, Unanswered):  # what waits for these credentials was never sent
            refusal = Refused(refusal.what, refusal.fix)
        raise refusal from error
    return Issued(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Expiration"])
