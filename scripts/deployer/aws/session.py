"""Who we are for AWS, and the clients that follow from it.

With `role-to-assume` the job's OIDC token is traded for the role in this process, again and again as the credentials
run out; nothing is written anywhere. Without it the ambient credentials of boto3 are used as they are. With
`role-chain-to` either assumes a second role, which is renewed in the same way.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from deployer.aws import sts
from deployer.aws.caller import Access, Job
from deployer.aws.client_config import client_config, single_attempt
from deployer.aws.reach import Reach
from deployer.aws.refusals import calling, no_credentials
from deployer.aws.role_request import Roles, roles_from
from deployer.core.errors import BadInput

if TYPE_CHECKING:  # boto3 costs 0.2 s: it is imported where a session is opened
    import botocore.session
    from botocore.config import Config


class Session:
    """One identity in one region. Clients are made once and refresh their own credentials."""

    def __init__(self, core: botocore.session.Session, region: str, config: Config, role_arn: str = "") -> None:
        import boto3

        self._boto = boto3.Session(botocore_session=core, region_name=region)
        self._clients: dict[str, Any] = {}
        self._config = config
        self.region = region
        self.role_arn = role_arn
        """The role that was assumed; "" with ambient credentials."""

    def client(self, name: str) -> Any:
        """The boto3 client of a service, made on first use."""
        if name not in self._clients:
            self._clients[name] = self._boto.client(name, config=self._config)
        return self._clients[name]

    def impatient_client(self, name: str) -> Any:
        """A client that never repeats a call by itself, for calls that must not happen twice unnoticed."""
        key = f"{name}, impatient"
        if key not in self._clients:
            self._clients[key] = self._boto.client(name, config=self._config.merge(single_attempt()))
        return self._clients[key]

    @property
    def account_id(self) -> str:
        """The account the credentials belong to."""
        return str(self._caller["Account"])

    @property
    def caller_arn(self) -> str:
        """Who AWS says we are: of an assumed role the session's ARN."""
        return str(self._caller["Arn"])

    @property
    def expires_at(self) -> datetime | None:
        """When the present credentials end (a refresh comes earlier); None if they do not end."""
        expiry = getattr(self._boto.get_credentials(), "_expiry_time", None)
        return expiry if isinstance(expiry, datetime) else None

    def frozen_credentials(self) -> Any:
        """The present `access_key`, `secret_key` and `token`, for handing on; they do not refresh."""
        return self._boto.get_credentials().get_frozen_credentials()

    @cached_property
    def _caller(self) -> Mapping[str, Any]:
        with calling("sts:GetCallerIdentity"):
            caller: Mapping[str, Any] = self.client("sts").get_caller_identity()
        return caller


def open_session(
    access: Access, job: Job, environment: Mapping[str, str] = os.environ, reach: Reach | None = None
) -> Session:
    """A session that is known to have credentials, of an allowed account if accounts are named.

    `job` is the command's console; `reach` is what the command needs, to which a role's session is held, None for all
    that the role may. Raises BadInput for what the inputs get wrong, Refused when AWS says no.
    """
    import botocore.session

    _check_ids(access.allowed_account_ids)
    core = botocore.session.Session()
    config = client_config(job.run.tag)
    with calling("reading the AWS configuration"):
        region = _region(access.aws_region, environment, core)
        core.set_config_variable("region", region)
        core.set_config_variable("sts_regional_endpoints", "regional")
        roles = roles_from(access, job.run.tag, region, reach)
        if roles.final:  # nobody needs to be asked
            _check_account(roles.final.account, access.allowed_account_ids)
        _find_credentials(core, config, roles, job)
    session = Session(core, region, config, roles.final.role_arn if roles.final else "")
    if access.allowed_account_ids:
        _check_account(session.account_id, access.allowed_account_ids)
    return session


def _find_credentials(core: botocore.session.Session, config: Config, roles: Roles, job: Job) -> None:
    """Leaves the credentials in `core`; botocore has no public way to put any there."""
    if roles.by_token:
        core._credentials = sts.assume(core, config, roles.by_token, job)
    elif core.get_credentials() is None:
        raise no_credentials()
    if roles.chained:
        core._credentials = sts.chain(core, config, roles.chained, roles.by_token)


def _region(given: str, environment: Mapping[str, str], core: botocore.session.Session) -> str:
    region = given or environment.get("AWS_REGION", "") or environment.get("AWS_DEFAULT_REGION", "")
    region = region or core.get_config_variable("region") or ""
    if not region:
        raise BadInput("no AWS region is given", "set aws-region, for example `aws-region: eu-central-1`")
    if not re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-\d+", region):
        raise BadInput(f"aws-region is {region!r}: that is no region", "write it like eu-central-1")
    return region


def _check_ids(allowed: tuple[str, ...]) -> None:
    for each in allowed:
        if not re.fullmatch(r"\d{12}", each):
            raise BadInput(
                f"allowed-account-ids has {each!r}: an account id is 12 digits",
                "quote the ids in YAML, where a leading zero would get lost",
            )


def _check_account(account: str, allowed: tuple[str, ...]) -> None:
    """Raises BadInput for an account that is not among those allowed, if any are named."""
    if allowed and account not in allowed:
        raise BadInput(
            f"the credentials belong to account {account}; allowed is {', '.join(allowed)}",
            "assume a role of an allowed account, or add this account to allowed-account-ids",
        )
