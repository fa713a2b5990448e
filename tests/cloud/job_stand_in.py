"""The two services a job meets on its way to a role, with faults on request: GitHub's token service and STS.

Tokens are signed and verified for real, and the trusted subject is compared, so that a green test means that token,
audience and role fit together.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop-deploy"
TICKET = "ticket-of-this-job"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: str


@dataclass(frozen=True)
class Seen:
    """One HTTP request; `parameters` are the query's of a GET, a form's of a POST."""

    method: str
    path: str
    parameters: dict[str, str]
    headers: dict[str, str]
    body: str


def sts_error(status: int, code: str, message: str = "") -> Reply:
    """STS's no, as it writes it."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Reply(status, f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>")


@dataclass
class Services:
    """Both services on one address. What is put into `faults_of_…` is answered first, in order."""

    url: str = ""
    trusted: str = "repo:acme/shop:ref:refs/heads/main"
    claims: dict[str, Any] = field(default_factory=dict)
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
        faults = self.faults_of_github if request.path == "/token" else self.faults_of_sts
        if faults:
            return faults.pop(0)
        if request.path == "/token":
            return self._mint(request)
        return {"AssumeRoleWithWebIdentity": self._assume, "GetCallerIdentity": self._whoami}[
            request.parameters["Action"]
        ](request)

    def _mint(self, request: Seen) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TICKET}":
            return Reply(401, "{}")
        now = int(time.time())
        claims = {
            "iss": "https://token.actions.githubusercontent.com",
            "sub": "repo:acme/shop:ref:refs/heads/main",
            "repository": "acme/shop",
            "repository_id": "222",
            "repository_owner_id": "111",
            "ref": "refs/heads/main",
            "exp": now + 300,
            **self.claims,
            "aud": request.parameters["audience"],
        }
        self.tokens.append(jwt.encode(claims, _KEY, algorithm="RS256"))
        return Reply(200, json.dumps({"value": self.tokens[-1], "count": 1}))

    def _assume(self, request: Seen) -> Reply:
        token = request.parameters["WebIdentityToken"]
        claims = jwt.decode(token, _KEY.public_key(), algorithms=["RS256"], audience="sts.amazonaws.com")
        if claims["sub"] != self.trusted or request.parameters["RoleArn"] != ROLE:
            return sts_error(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
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
def serving(answer: Callable[[Seen], Reply]) -> Iterator[str]:
    """Serves `answer` on loopback; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            path = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = parse_qs(path.query) if self.command == "GET" else parse_qs(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            parameters = {name: values[0] for name, values in form.items()}
            reply = answer(Seen(self.command, path.path, parameters, headers, body))
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json" if reply.body[:1] in "[{" else "text/xml")
            self.send_header("Content-Length", str(len(reply.body.encode())))
            self.end_headers()
            self.wfile.write(reply.body.encode())

        do_GET = do_POST = _reply  # noqa: N815  (http.server's own names)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing: the tests read `seen`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
