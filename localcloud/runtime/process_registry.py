"""A registry for stand-in images: enough of the OCI distribution API to push and pull manifests and blobs.

Kept in memory. Digests are computed from what was received, never believed.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_ROUTE = re.compile(
    r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs)/(?P<reference>sha256:[0-9a-f]{64}|uploads/[0-9a-f]*|[\w.-]{1,128})"
)


def digest_of(content: bytes) -> str:
    """`sha256:…` of the bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Slowness:
    """How late the registry answers for an image."""

    seconds: float = 0.0


class ProcessRegistry:
    """Serves on a free port of 127.0.0.1 between `start` and `stop`; `address` is HOST:PORT as in image names."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.slowness = Slowness()
        self._server: _Server | None = None

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    def start(self) -> None:
        """Returns once it listens."""
        self._server = _Server(("127.0.0.1", self.port), _Handler, self.slowness)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="registry", daemon=True).start()

    def stop(self) -> None:
        """Stops it and forgets its images; a second call does nothing."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], slowness: Slowness) -> None:
        self.slowness = slowness
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.types: dict[str, str] = {}
        self.tags: dict[tuple[str, str], str] = {}
        super().__init__(address, handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        name, kind, reference = self._route()
        if self.path.rstrip("/") == "/v2":
            self._answer(HTTPStatus.OK, b"{}")
        elif kind == "manifests":
            time.sleep(self.server.slowness.seconds)
            digest = self.server.tags.get((name, reference), reference)
            self._found(digest, self.server.manifests.get((name, digest)), "MANIFEST_UNKNOWN")
        else:
            self._found(reference, self.server.blobs.get((name, reference)), "BLOB_UNKNOWN")

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        name, _, reference = self._route()
        if reference == "uploads/":
            self._answer(HTTPStatus.ACCEPTED, b"", Location=f"/v2/{name}/blobs/uploads/{uuid.uuid4().hex}")
        else:
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "UNSUPPORTED")

    def do_PUT(self) -> None:
        name, kind, reference = self._route()
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        digest = digest_of(content)
        claimed = reference if reference.startswith("sha256:") else ""
        if kind == "blobs":
            claimed = parse_qs(urlsplit(self.path).query).get("digest", ["none"])[0]
        if claimed not in ("", digest):
            self._refuse(HTTPStatus.BAD_REQUEST, "DIGEST_INVALID")
        elif kind == "blobs":
            self.server.blobs[name, digest] = content
            self._created(digest)
        else:
            self._keep_manifest(name, reference, digest, content)

    def _keep_manifest(self, name: str, reference: str, digest: str, content: bytes) -> None:
        self.server.manifests[name, digest] = content
        self.server.types[digest] = self.headers.get("Content-Type", "")
        self.server.tags[name, reference] = digest
        self._created(digest)

    def _route(self) -> tuple[str, str, str]:
        """Name, kind and reference of the request's path; three empty strings where it means nothing to us."""
        found = _ROUTE.fullmatch(urlsplit(self.path).path)
        return (found["name"], found["kind"], found["reference"]) if found else ("", "", "")

    def _found(self, digest: str, content: bytes | None, missing: str) -> None:
        if content is None:
            self._refuse(HTTPStatus.NOT_FOUND, missing)
        else:
            kind = self.server.types.get(digest, "application/octet-stream")
            self._answer(HTTPStatus.OK, content, **{"Content-Type": kind, "Docker-Content-Digest": digest})

    def _created(self, digest: str) -> None:
        self._answer(HTTPStatus.CREATED, b"", **{"Docker-Content-Digest": digest})

    def _refuse(self, status: HTTPStatus, code: str) -> None:
        self._answer(status, b'{"errors":[{"code":"%s"}]}' % code.encode())

    def _answer(self, status: HTTPStatus, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent: requests are no news."""
