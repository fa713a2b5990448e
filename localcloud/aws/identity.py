"""STS: a role is handed out only to a genuine token, or to a caller, that the role trusts.

A token is judged in AWS's order: it is a JWT, its issuer is a registered OIDC provider, its signature is the issuer's,
it is for a registered audience, it is not over, and the role's trust policy allows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import jwt
from ministack.core.iam_evaluator import EvalContext, evaluate_trust_policy

from localcloud.aws.errors import AwsError
from localcloud.aws.moto_seams import Books
from localcloud.aws.operations import Handler, Request
from localcloud.aws.role_sessions import RoleSessions
from localcloud.github.issuer import Issuer

ACTION = "sts:AssumeRoleWithWebIdentity"
CHAIN = "sts:AssumeRole"


class Identity:
    """The handlers of AssumeRoleWithWebIdentity and AssumeRole.

    `session_seconds`: how long every session they open really lives; None: as long as was asked for.
    """

    def __init__(self, books: Books, issuer: Issuer, session_seconds: float | None = None) -> None:
        self._books = books
        self._issuer = issuer
        self.sessions = RoleSessions(books, session_seconds)

    def handlers(self) -> dict[str, Handler]:
        """Operation name → handler."""
        return {
            "AssumeRoleWithWebIdentity": self.assume_role_with_web_identity,
            "AssumeRole": self.assume_role,
        }

    def assume_role_with_web_identity(self, request: Request) -> Any:
        """Credentials of the role, or AWS's own refusal."""
        asked = request.parameters
        claims = self._verified(asked["WebIdentityToken"])
        role = self._trusting_role(asked["RoleArn"], claims)
        return {
            **self.sessions.open(role, asked),
            "SubjectFromWebIdentityToken": claims["sub"],
            "Provider": self._provider_arn(claims),
            "Audience": claims["aud"],
        }

    def assume_role(self, request: Request) -> Any:
        """Credentials of a role for who has credentials already, or AWS's own refusal.

        Only the role's side is judged here; whether the caller's own policies let it ask is judged like any call.
        """
        asked = request.parameters
        session = self._books.session(request.access_key)
        caller = session or self._books.user_of(request.access_key)
        arn = caller.arn if caller else f"arn:aws:iam::{self._books.account}:root"
        role = self._books.role(asked["RoleArn"])
        context = EvalContext(
            principal_arn=session.role_arn if session else arn,
            principal_type="AssumedRole" if session else "User",
            principal_account=self._books.account,
            action=CHAIN,
            resource_arn=asked["RoleArn"],
            region=self._books.region,
            service_context={
                "sts:externalid": asked.get("ExternalId"),
                "sts:rolesessionname": asked["RoleSessionName"],
            },
        )
        if role is None or not evaluate_trust_policy(dict(self._books.trust_policy(role.arn)), arn, context):
            message = f"User: {arn} is not authorized to perform: {CHAIN} on resource: {asked['RoleArn']}"
            raise AwsError("AccessDenied", message)
        return self.sessions.open(role, asked, chained=session is not None)

    def _verified(self, token: str) -> Mapping[str, Any]:
        try:
            unverified = jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError as error:
            raise _bad_token(
                "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
            ) from error
        provider = self._books.oidc_provider(_host(unverified.get("iss", "")))
        if provider is None:
            raise _bad_token(f"No OpenIDConnect provider found in your account for {unverified.get('iss')}")
        if unverified.get("iss") != self._issuer.url:
            raise _bad_token(
                "Couldn't retrieve verification key from your identity provider, please reference "
                "AssumeRoleWithWebIdentity documentation for requirements"
            )
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                self._issuer.public_key,
                algorithms=["RS256"],
                audience=provider.client_id_list,
                issuer=self._issuer.url,
                options={"require": ["exp", "iat", "sub", "aud"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise _expired(unverified) from error
        except jwt.InvalidAudienceError as error:
            raise _bad_token("Incorrect token audience") from error
        except jwt.InvalidTokenError as error:
            raise _bad_token("Provided Token is not signed by the issuer, or not valid yet") from error
        return claims

    def _trusting_role(self, arn: str, claims: Mapping[str, Any]) -> Any:
        role = self._books.role(arn)
        provider = self._provider_arn(claims)
        context = EvalContext(
            principal_arn=provider,
            principal_type="FederatedUser",
            principal_account=self._books.account,
            action=ACTION,
            resource_arn=arn,
            region=self._books.region,
            service_context=_condition_keys(_host(self._issuer.url), claims),
        )
        if role is None or not evaluate_trust_policy(dict(self._books.trust_policy(arn)), provider, context):
            raise AwsError("AccessDenied", f"Not authorized to perform {ACTION}")
        return role

    def _provider_arn(self, claims: Mapping[str, Any]) -> str:
        return f"arn:aws:iam::{self._books.account}:oidc-provider/{_host(claims['iss'])}"


def _condition_keys(host: str, claims: Mapping[str, Any]) -> dict[str, Any]:
    """`ISSUER:claim` as trust policies name it, in lower case, which is how the evaluator looks keys up."""
    return {f"{host}:{name}".lower(): value for name, value in claims.items()}


def _host(url: str) -> str:
    return url.removeprefix("https://").removeprefix("http://").rstrip("/")


def _bad_token(message: str) -> AwsError:
    return AwsError("InvalidIdentityToken", message)


def _expired(claims: Mapping[str, Any]) -> AwsError:
    until = int(claims.get("exp", 0))
    current = int(datetime.now(timezone.utc).timestamp())
    return AwsError(
        "ExpiredTokenException",
        f"Token expired: current date/time {current} must be before the expiration date/time {until}",
    )
