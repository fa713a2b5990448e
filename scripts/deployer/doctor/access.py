"""Who we are: the job's token, the role it opens, the account."""

from __future__ import annotations

from deployer.aws.role_request import roles_from
from deployer.doctor.finding import Finding, not_checked, ok, problem
from deployer.doctor.situation import Situation


def token(situation: Situation) -> Finding:
    """Mints one, as every command does."""
    if not situation.in_job:
        return not_checked(
            "this is no job of GitHub Actions; run it in one to see its token and whether the role trusts"
        )
    request = roles_from(situation.inputs, situation.console.run.tag).by_token
    if request is None:
        return not_checked("no role-to-assume is given, so no token is traded")
    claims = situation.claims = situation.console.identity_token(request.audience).claims
    shown = " ".join(f"{name}={claims[name]}" for name in ("sub", "aud", "environment", "ref") if claims.get(name))
    return ok(shown)


def credentials(situation: Situation) -> Finding:
    """Assumes the role where there is a job, else finds the ambient credentials; asks AWS whose they are."""
    session = situation.session
    return ok(f"{session.caller_arn}, {session.region}")


def account(situation: Situation) -> Finding:
    """Whether it is one of the accounts allowed."""
    found, allowed = situation.session.account_id, situation.inputs.allowed_account_ids
    if not allowed:
        return ok(f"{found}; allowed-account-ids would refuse any other")
    if found in allowed:
        return ok(f"{found} is allowed")
    return problem(
        f"the credentials belong to account {found}; allowed is {', '.join(allowed)}",
        "assume a role of an allowed account, or add this account to allowed-account-ids",
    )
