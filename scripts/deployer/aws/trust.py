"""Why a role did not let a GitHub job in, and the trust policy that would.

STS answers every mismatch with the same sentence. What it compared is in the token, so that is what we show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from deployer.core.errors import BadInput, DeployError, Refused

CALL = "sts:AssumeRoleWithWebIdentity"
SHOWN = ("sub", "aud", "repository", "repository_id", "ref", "environment", "job_workflow_ref")

_SUB = re.compile(r"repo:(?P<owner>[^/@:]+)(?P<ids>@\d+)?/(?P<name>[^/@:]+)(?:@\d+)?:(?P<context>.+)")


class TokenNotTaken(Refused):
    """STS could not verify the token, or it was over: a new one may do."""


def refusal(code: str, message: str, role_arn: str, claims: Mapping[str, Any]) -> DeployError | None:
    """What STS's answer means for this token; None for answers that are not about trust."""
    if code == "AccessDenied":
        return _not_trusted(role_arn, claims)
    if code == "InvalidIdentityToken":
        return _bad_provider(message, role_arn, claims) or TokenNotTaken(
            f"{CALL} for {role_arn} failed: STS could not verify the job's token, nor a new one ({message})",
            f"run the job again later; if it stays so: AWS must reach https://{_issuer(claims)}/.well-known/jwks",
        )
    if code in ("ExpiredTokenException", "ExpiredIdentityToken"):
        return TokenNotTaken(
            f"{CALL} for {role_arn} failed: the job's token was over when STS saw it, and so was a new one ({message})",
            "GitHub's tokens last 5 minutes: see that the runner's proxy, if it has one, answers anew and at once",
        )
    return too_long(code, message, role_arn)


def too_long(code: str, message: str, role_arn: str) -> DeployError | None:
    """The refusal of a session longer than its role allows; None for any other."""
    if code != "ValidationError" or "DurationSeconds exceeds" not in message:
        return None
    return BadInput(
        f"{role_arn} allows no session as long as role-duration-seconds",
        "leave role-duration-seconds out (the credentials are renewed anyway), or raise the role's maximum",
    )


def condition(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The Condition of a trust policy that lets exactly this kind of run in.

    `sub` is there in both forms: repositories made, renamed or transferred since 15 July 2026 carry ids in it.
    STS demands a condition on `sub`; `repository_id` survives a rename and cannot be taken over by a namesake.
    """
    issuer = _issuer(claims)
    wanted = {"aud": claims.get("aud", ""), "sub": subjects(claims)}
    if claims.get("repository_id"):
        wanted["repository_id"] = str(claims["repository_id"])
    return {"StringEquals": {f"{issuer}:{name}": value for name, value in wanted.items()}}


def subjects(claims: Mapping[str, Any]) -> list[str]:
    """The token's own `sub` first, then its other form, if the ids for it are known."""
    own = str(claims.get("sub", ""))
    match = _SUB.fullmatch(own)
    if not match:  # a customised subject: only its own form is known
        return [own]
    owner, name, context = match["owner"], match["name"], match["context"]
    forms = [own, f"repo:{owner}/{name}:{context}"]
    owner_id, repository_id = claims.get("repository_owner_id"), claims.get("repository_id")
    if owner_id and repository_id:
        forms.append(f"repo:{owner}@{owner_id}/{name}@{repository_id}:{context}")
    return list(dict.fromkeys(forms))


def _not_trusted(role_arn: str, claims: Mapping[str, Any]) -> DeployError:
    shown = [f"  {name}: {claims[name]}" for name in SHOWN if claims.get(name)]
    return Refused(
        f"{CALL} was refused: the trust policy of {role_arn} does not match this job's token"
        " (or there is no such role)",
        "\n".join(
            [
                "the token says",
                *shown,
                "if such jobs may deploy, the trust policy lets them in with",
                f'"Condition": {json.dumps(condition(claims), indent=2)}',
                *_about_subject(claims),
            ]
        ),
    )


def _about_subject(claims: Mapping[str, Any]) -> list[str]:
    """What people get wrong about `sub`, as far as it concerns this one."""
    return [each for each in (_about_environment(claims), _about_ids(claims)) if each]


def _about_environment(claims: Mapping[str, Any]) -> str:
    environment = claims.get("environment")
    if environment:
        return (
            f"the job names `environment: {environment}`, so `sub` ends in the environment and not in the branch;"
            f' to require the branch too, add "{_issuer(claims)}:ref": "{claims.get("ref", "")}"'
        )
    if str(claims.get("sub", "")).endswith(":pull_request"):
        return (
            "`sub` ends in pull_request: that condition lets in every pull request of the repository, whatever it"
            " changes; deploy on push to a branch instead"
        )
    return (
        "the job names no environment, so `sub` ends in the branch or the tag;"
        " if the role expects `environment:NAME`, add `environment: NAME` to the job"
    )


def _about_ids(claims: Mapping[str, Any]) -> str:
    match = _SUB.fullmatch(str(claims.get("sub", "")))
    if not match:
        return ""
    if match["ids"]:
        return (
            "`sub` carries ids, as in every repository made, renamed or transferred since 15 July 2026: a trust policy"
            f" written for repo:{match['owner']}/{match['name']} does not match it"
        )
    return "`sub` carries no ids: a trust policy written for repo:OWNER@ID/NAME@ID does not match it"


def _bad_provider(message: str, role_arn: str, claims: Mapping[str, Any]) -> DeployError | None:
    account, issuer, audience = role_arn.split(":")[4], _issuer(claims), claims.get("aud", "")
    if "No OpenIDConnect provider" in message:
        return Refused(
            f"{CALL} was refused: account {account} has no identity provider for {issuer}",
            "make one, once per account: aws iam create-open-id-connect-provider"
            f" --url https://{issuer} --client-id-list {audience}",
        )
    if "audience" in message.lower():
        arn = f"arn:{role_arn.split(':')[1]}:iam::{account}:oidc-provider/{issuer}"
        return Refused(
            f"{CALL} was refused: the identity provider of account {account} does not know the audience {audience}",
            "leave `audience` out, or: aws iam add-client-id-to-open-id-connect-provider"
            f" --open-id-connect-provider-arn {arn} --client-id {audience}",
        )
    return None


def _issuer(claims: Mapping[str, Any]) -> str:
    """The issuer as IAM writes it in condition keys: without its scheme."""
    issuer = str(claims.get("iss", "")) or "token.actions.githubusercontent.com"
    return re.sub(r"^https?://", "", issuer)
