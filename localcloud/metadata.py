"""The instance metadata service, version 2: one small server per instance, as 169.254.169.254 is on EC2.

A session token comes first (PUT), every read needs it; the role's credentials are short-lived and renewed on reading.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LONGEST_SESSION = 21_600
CREDENTIALS_LIFETIME = 3600
RENEW_BEFORE = 300
"""Seconds before their end in which a read gets fresh credentials."""


@dataclass(frozen=True)
class Credentials:
    """What STS hands out for a role."""

    access_key: str
    secret_key: str
    session_token: str
    expires_at: datetime
    """In UTC."""


@dataclass(frozen=True)
class Identity:
    """Who an instance is."""

    instance_id: str
    region: str
    zone: str
    account: str
    user_data: str
    tags: Mapping[str, str]
    role: str
    instance_profile_arn: str
    renew: Callable[[int], Credentials]
    """Fresh credentials of the instance's role, for so many seconds."""


@dataclass
class _Sessions:
    ends: dict[str, float] = field(default_factory=dict)

    def open(self, seconds: int) -> str:
        token = secrets.token_urlsafe(32)
        self.ends[token] = time.monotonic() + seconds
        return token

    def valid(self, token: str) -> bool:
        return self.ends.get(token, 0.0) > time.monotonic()


class MetadataService:
    """The metadata of one instance on a loopback port of its own."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._sessions = _Sessions()
        self._credentials: Credentials | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="metadata", daemon=True).start()

    def close(self) -> None:
        """Stops the server and frees its port; a second call does nothing."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def open_session(self, seconds: int) -> str:
        """A session token."""
        return self._sessions.open(seconds)

    def allows(self, token: str) -> bool:
        """Whether a session token is there and not over."""
        return self._sessions.valid(token)

    def read(self, path: str) -> str | None:
        """The text behind a path below /latest/, or None where there is nothing."""
        if path == "user-data":
            return self._identity.user_data or None
        if path == "dynamic/instance-identity/document":
            return json.dumps(self._document())
        if not path.startswith("meta-data"):
            return None
        return _walk(self._tree(), path.removeprefix("meta-data").strip("/"))

    def _document(self) -> dict[str, str]:
        who = self._identity
        return {
            "accountId": who.account,
            "availabilityZone": who.zone,
            "instanceId": who.instance_id,
            "region": who.region,
        }

    def _tree(self) -> dict[str, Any]:
        who = self._identity
        return {
            "instance-id": who.instance_id,
            "placement": {"region": who.region, "availability-zone": who.zone},
            "tags": {"instance": dict(who.tags)},
            "iam": {
                "info": lambda: json.dumps({"Code": "Success", "InstanceProfileArn": who.instance_profile_arn}),
                "security-credentials": {who.role: self._credentials_json},
            },
        }

    def _credentials_json(self) -> str:
        current = self._current_credentials()
        return json.dumps(
            {
                "Code": "Success",
                "LastUpdated": _stamp(datetime.now(timezone.utc)),
                "Type": "AWS-HMAC",
                "AccessKeyId": current.access_key,
                "SecretAccessKey": current.secret_key,
                "Token": current.session_token,
                "Expiration": _stamp(current.expires_at),
            }
        )

    def _current_credentials(self) -> Credentials:
        with self._lock:
            current = self._credentials
            if current is None or _seconds_left(current) < RENEW_BEFORE:
                current = self._credentials = self._identity.renew(CREDENTIALS_LIFETIME)
            return current


def _seconds_left(credentials: Credentials) -> float:
    return (credentials.expires_at - datetime.now(timezone.utc)).total_seconds()


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _walk(tree: Any, path: str) -> str | None:
    """A leaf's text, or a directory's listing, in which a `/` marks what has more below it."""
    node = tree
    for part in filter(None, path.split("/")):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    if isinstance(node, dict):
        return "\n".join(name + "/" * isinstance(child, dict) for name, child in node.items())
    return str(node() if callable(node) else node)


def _handler_for(service: MetadataService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            seconds = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
            if self.path != "/latest/api/token":
                self._answer(404, "")
            elif not seconds.isdigit() or not 1 <= int(seconds) <= LONGEST_SESSION:
                self._answer(400, "")
            else:
                self._answer(200, service.open_session(int(seconds)))

        def do_GET(self) -> None:
            if not service.allows(self.headers.get("X-aws-ec2-metadata-token", "")):
                self._answer(401, "")
                return
            text = service.read(self.path.removeprefix("/latest/"))
            self._answer(404 if text is None else 200, text or "")

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Says nothing: the log is for what goes wrong."""

    return Handler
