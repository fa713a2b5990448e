"""The two services a job meets on its way to a role, following a script: GitHub's token service and STS.

For the faults the local cloud cannot be asked for, and for what is on the wire. Nothing is verified here: that a token
really opens the role is tested against the local cloud (test_trust.py).
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from deployer.aws.session import Session, open_session
from deployer.github.console import console_for
from deployer.inputs import Access
from tests.loopback_server import Request, loopback_server

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop-deploy"
TICKET = "ticket-of-this-job"


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: str


@dataclass(frozen=True)
class Seen:
    """One HTTP request; `parameters` are the query's of a GET, the form's of a POST."""

    path: str
    parameters: dict[str, str]
    headers: dict[str, str]


def sts_error(status: int, code: str, message: str = "") -> Reply:
    """STS's no, as it writes it."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Reply(status, f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>")


DENIED = sts_error(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")


@dataclass
class Services:
    """Both services on one address. What is put into `faults_of_…` is answered first, in order.

    STS has its faults where it gives roles away; it always says who somebody is.
    """

    url: str = ""
    lifetime: timedelta = timedelta(hours=1)
    faults_of_github: list[Reply] = field(default_factory=list)
    faults_of_sts: list[Reply] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    issued: int = 0

    def asked_for(self, action: str) -> list[Seen]:
        """The requests of one STS action so far."""
        return [each for each in self.seen if each.parameters.get("Action") == action]

    def answer(self, request: Seen) -> Reply:
        """The reply of whichever service the path belongs to."""
        self.seen.append(request)
        if request.parameters.get("Action") == "GetCallerIdentity":
            return self._whoami(request)
        faults = self.faults_of_github if request.path == "/token" else self.faults_of_sts
        if faults:
            return faults.pop(0)
        return self._mint(request) if request.path == "/token" else self._assume(request)

    def _mint(self, request: Seen) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TICKET}":
            return Reply(401, "{}")
        claims = {
            "iss": "https://token.actions.githubusercontent.com",
            "sub": "repo:acme/shop:ref:refs/heads/main",
            "repository": "acme/shop",
            "repository_id": "222",
            "repository_owner_id": "111",
            "ref": "refs/heads/main",
            "aud": request.parameters["audience"],
        }
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        self.tokens.append(f"e30.{body}.signature-{len(self.tokens) + 1}")
        return Reply(200, json.dumps({"value": self.tokens[-1], "count": 1}))

    def _assume(self, request: Seen) -> Reply:
        if request.parameters["WebIdentityToken"] != self.tokens[-1]:
            return sts_error(400, "InvalidIdentityToken", "not the newest token")
        self.issued += 1
        expiration = (datetime.now(timezone.utc) + self.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
        return _result(
            "AssumeRoleWithWebIdentity",
            f"<Credentials><AccessKeyId>ASIA{self.issued:016}</AccessKeyId>"
            f"<SecretAccessKey>secret-{self.issued}</SecretAccessKey>"
            f"<SessionToken>session-{self.issued}</SessionToken><Expiration>{expiration}</Expiration></Credentials>",
        )

    def _whoami(self, request: Seen) -> Reply:
        if "Credential=" not in request.headers.get("authorization", ""):
            return sts_error(403, "MissingAuthenticationToken")
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/shop-deploy/gha-77-2"
        return _result("GetCallerIdentity", f"<Arn>{arn}</Arn><UserId>AROA:x</UserId><Account>{ACCOUNT}</Account>")


def _result(action: str, body: str) -> Reply:
    return Reply(
        200,
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>{body}'
        f"</{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>",
    )


@contextmanager
def serving(answer: Callable[[Seen], Reply], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serves `answer` on loopback; yields the address."""

    def reply(request: Request) -> None:
        path = urlsplit(request.path)
        form = parse_qs(path.query) if request.command == "GET" else parse_qs(request.body())
        headers = {name.lower(): value for name, value in request.headers.items()}
        parameters = {name: values[0] for name, values in form.items()}
        said = answer(Seen(path.path, parameters, headers))
        request.reply(said.status, said.body)

    with loopback_server(reply, tls=tls) as address:
        yield address.url


def assumed(job: dict[str, str], seconds: int = 3600) -> Session:
    """What a command has after it has taken the role; raises what it says when it has not."""
    access = Access(role_to_assume=ROLE, role_duration_seconds=seconds)
    return open_session(access, console_for(job, machine_readable=False), job)
