"""`assume-role`: trade the job's OIDC token for an IAM role, and say whose it is.

Without `export-credentials` this is a check that the trust works: every command assumes the role for itself, in its
own process, so there is nothing to hand on.
"""

from __future__ import annotations

from datetime import datetime, timezone

from deployer.aws.session import Session, open_session
from deployer.core.errors import BadInput
from deployer.github.console import Console
from deployer.inputs import AssumeRoleInputs
from deployer.outcome import Outcome


def run(inputs: AssumeRoleInputs, console: Console) -> Outcome:
    """Outputs `aws-account-id`, `role-arn` and `expires-at` (UTC, empty for credentials that do not end)."""
    if inputs.export_credentials and not inputs.role_to_assume:
        raise BadInput(
            "export-credentials needs role-to-assume: keys that do not end are never handed on",
            "give role-to-assume, or leave export-credentials out",
        )
    session = open_session(inputs, console)
    identity = session.role_arn or session.caller_arn
    expires_at = _utc(session.expires_at)
    console.say(f"{identity} in account {session.account_id}, {session.region}")
    if inputs.export_credentials:
        _export(session, console)
        console.say(f"credentials exported to the later steps of this job, valid until {expires_at}")
    elif inputs.role_to_assume:
        console.say("credentials stay in this process: give later steps of ours the same role-to-assume")
    return Outcome(outputs={"aws-account-id": session.account_id, "role-arn": identity, "expires-at": expires_at})


def _export(session: Session, console: Console) -> None:
    """Writes the variables every AWS SDK reads; masked before anything can show them."""
    credentials = session.frozen_credentials()
    secrets = {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.token,
    }
    for value in secrets.values():
        console.mask(value)
    console.export({**secrets, "AWS_REGION": session.region, "AWS_DEFAULT_REGION": session.region})


def _utc(moment: datetime | None) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
