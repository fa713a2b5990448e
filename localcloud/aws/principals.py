"""Who signs a request, and what they may at most: the account itself, a user, or a session of a role.

The signature itself is not checked (docs/decisions/0015-authorisation.md): a key is taken for who it was given to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

from ministack.core.iam_evaluator import ParsedStatement, parse_policy_document

from localcloud.aws.account import ADMINISTRATOR, ROOT_KEY
from localcloud.aws.moto_seams import Books, document_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Policy = Sequence[ParsedStatement]


class NotAccepted(Exception):
    """The credentials themselves: `missing`, `unknown`, `malformed` (a wrong session token) or `expired`."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True)
class Principal:
    """Who asks. What is allowed must be allowed by one of `policies` and by every one of `limits`."""

    name: str
    """Of the role or the user."""
    arn: str
    """As AWS writes it in a refusal: of a role, the session's."""
    owner_arn: str
    """aws:PrincipalArn: of a session, the role's."""
    kind: str
    """aws:PrincipalType."""
    policies: Sequence[Policy] = ()
    limits: Mapping[str, Sequence[Policy]] = field(default_factory=dict)
    """By their names in a refusal: `session policy`, `permissions boundary`."""
    keys: Mapping[str, Any] = field(default_factory=dict)
    """Condition keys of the principal, in lower case."""

    @property
    def is_root(self) -> bool:
        """Whether nothing is checked, so that operations nobody has looked up are answered too."""
        return self.kind == "Account" or (self.kind, self.name) == ("User", ADMINISTRATOR)


class Principals:
    """Everybody who can sign in one account."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def of(self, environ: WSGIEnvironment) -> Principal:
        """Raises NotAccepted for credentials that are none, or not any more."""
        key = _credential(environ).partition("/")[0]
        if not key:
            raise NotAccepted("missing")
        if key == ROOT_KEY:
            arn = f"arn:aws:iam::{self._books.account}:root"
            return Principal("root", arn, arn, "Account")
        session = self._books.session(key)
        if session is not None:
            return self._of_session(session, environ.get("HTTP_X_AMZ_SECURITY_TOKEN", ""))
        user = self._books.user_of(key)
        if user is None:
            raise NotAccepted("unknown")
        return Principal(
            name=user.name,
            arn=user.arn,
            owner_arn=user.arn,
            kind="User",
            policies=_policies(user),
            keys={"aws:username": user.name, "aws:userid": user.id},
        )

    def _of_session(self, session: Any, token: str) -> Principal:
        if token != session.session_token:
            raise NotAccepted("malformed")
        # moto's times are naive
        if session.expiration.replace(tzinfo=timezone.utc) <= datetime.now(timezone.utc):
            raise NotAccepted("expired")
        role = self._books.role(session.role_arn)
        limits = _limits(self._books, session, role)
        return Principal(
            name=session.role_arn.rpartition("/")[2],
            arn=session.arn,
            owner_arn=session.role_arn,
            kind="AssumedRole",
            policies=_policies(role) if role else (),
            limits=limits,
            keys={"aws:userid": session.user_id, **self._source(session)},
        )

    def _source(self, session: Any) -> dict[str, str]:
        """Where an instance's own credentials come from; nothing for any other session."""
        if self._books.instance(session.session_name) is None:
            return {}
        arn = f"arn:aws:ec2:{self._books.region}:{self._books.account}:instance/{session.session_name}"
        return {"ec2:sourceinstancearn": arn, "ssm:sourceinstancearn": arn}


@dataclass(frozen=True)
class Owner:
    """A role or a user by itself, nobody being it at the moment."""

    arn: str
    kind: str
    policies: Sequence[Policy]
    limits: Sequence[Sequence[Policy]] = ()


def owner_of(books: Books, arn: str) -> Owner | None:
    """The role or the user, or None."""
    role = books.role(arn)
    if role is not None:
        boundary = role.permissions_boundary_arn
        limits = [[_parsed("boundary", books.managed_policy(boundary))]] if boundary else []
        return Owner(role.arn, "AssumedRole", _policies(role), limits)
    user = books.user(arn)
    return Owner(user.arn, "User", _policies(user)) if user else None


def signs(environ: WSGIEnvironment) -> bool:
    """Whether a request carries a signature at all."""
    return bool(_credential(environ))


def region_of(environ: WSGIEnvironment) -> str:
    """The region a request is signed for; empty where it is not signed."""
    scope = _credential(environ).split("/")
    return scope[2] if len(scope) == 5 else ""


def _credential(environ: WSGIEnvironment) -> str:
    header: str = environ.get("HTTP_AUTHORIZATION", "")
    return header.partition("Credential=")[2].split(",")[0]


def _policies(holder: Any) -> Sequence[Policy]:
    """Inline and attached policies; each statement's Sid is `policy/Sid`, so that it says where it is from."""
    inline = dict(holder.policies)
    attached = {each.name: document_of(each) for each in holder.managed_policies.values()}
    return [_parsed(name, text) for name, text in {**attached, **inline}.items()]


def _limits(books: Books, session: Any, role: Any) -> dict[str, Sequence[Policy]]:
    limits: dict[str, Sequence[Policy]] = {}
    if session.policy:
        limits["session policy"] = [_parsed("session", session.policy)]
    boundary = getattr(role, "permissions_boundary_arn", None)
    if boundary:
        limits["permissions boundary"] = [_parsed("boundary", books.managed_policy(boundary))]
    return limits


@cache
def _parsed(name: str, text: str) -> Policy:
    return [replace(each, sid=f"{name}/{each.sid}") for each in parse_policy_document(text)]
