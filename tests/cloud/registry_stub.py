"""A registry over HTTP that holds a few images and asks for a token as Docker Hub does."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.loopback_server import Request, loopback_server

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass
class RegistryStub:
    """`objects` by path below /v2/; `auth` is none, basic or bearer; `password` of the user `user` ("" for anyone)."""

    host: str = ""
    auth: str = "none"
    password: str = ""
    realm: str = ""
    says_digest: bool = True
    failures: int = 0
    objects: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def add(self, repository: str, tag: str, labels: dict[str, str] | None = None, *, index: bool = False) -> str:
        """An image under a tag; returns the digest of what the tag stands for."""
        config = self._store(repository, "blobs", "", {"config": {"Labels": labels}})
        manifest = self._store(repository, "manifests", MANIFEST, {"config": {"digest": config}, "layers": []})
        top = manifest
        if index:
            attestation = {"digest": "sha256:" + "0" * 64, "platform": {"architecture": "unknown", "os": "unknown"}}
            image = {"digest": manifest, "platform": {"architecture": "amd64", "os": "linux"}}
            top = self._store(repository, "manifests", INDEX, {"manifests": [attestation, image]})
        self.objects[f"{repository}/manifests/{tag}"] = self.objects[f"{repository}/manifests/{top}"]
        return top

    def put(self, repository: str, tag: str, manifest: dict[str, Any], media_type: str = MANIFEST) -> None:
        """A manifest as it is given, however odd."""
        self.objects[f"{repository}/manifests/{tag}"] = (media_type, json.dumps(manifest).encode())

    def put_blob(self, repository: str, value: dict[str, Any]) -> str:
        """A configuration as it is given; returns its digest."""
        return self._store(repository, "blobs", "", value)

    def _store(self, repository: str, kind: str, media_type: str, value: dict[str, Any]) -> str:
        body = json.dumps(value).encode()
        self.objects[f"{repository}/{kind}/{digest_of(body)}"] = (media_type, body)
        return digest_of(body)

    def allows(self, authorization: str) -> bool:
        if self.auth == "none":
            return True
        if self.auth == "bearer":
            return authorization == "Bearer token-of-the-stub"
        return self.knows(authorization)

    def knows(self, authorization: str) -> bool:
        expected = base64.b64encode(f"user:{self.password}".encode()).decode()
        return not self.password or authorization == f"Basic {expected}"


@contextmanager
def running(stub: RegistryStub) -> Iterator[RegistryStub]:
    """The stub behind a loopback port, named in `stub.host`."""

    def answer(request: Request) -> None:
        stub.requests.append((request.command, request.path))
        status, headers, body = _reply(stub, request.path, request.headers.get("Authorization", ""), request.headers)
        request.reply(status, body, headers)

    with loopback_server(answer) as address:
        stub.host = address.netloc
        yield stub


def _reply(stub: RegistryStub, path: str, authorization: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
    if stub.failures:
        stub.failures -= 1
        return 503, {}, b""
    if path.startswith("/token"):
        return (200, {}, b'{"token": "token-of-the-stub"}') if stub.knows(authorization) else (401, {}, b"")
    if not stub.allows(authorization):
        realm = stub.realm or f"http://{stub.host}/token"
        challenge = f'Bearer realm="{realm}",service="stub"' if stub.auth == "bearer" else 'Basic realm="stub"'
        return 401, {"WWW-Authenticate": challenge}, b"{}"
    if path == "/v2/":  # where a client asks whether its login is any good
        return 200, {}, b"{}"
    media_type, body = stub.objects.get(path.removeprefix("/v2/"), ("", b""))
    if not body:
        return 404, {}, b"{}"
    if media_type and media_type not in headers.get("Accept", ""):
        return 406, {}, b"{}"
    said = {"Docker-Content-Digest": digest_of(body)} if stub.says_digest else {}
    return 200, {"Content-Type": media_type or "application/octet-stream", **said}, body
