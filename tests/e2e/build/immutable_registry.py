"""A real registry whose tags never move: what stands in front of it refuses a second push with ECR's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from deployer.image.registry import ACCEPT
from localcloud.registry import Registry
from tests.loopback_server import Request, loopback_server

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "date", "server"}


@contextmanager
def immutable(registry: Registry) -> Iterator[str]:
    """Its address, localhost:PORT: docker speaks plain HTTP to it."""
    upstream = f"http://127.0.0.1:{registry.port}"

    def answer(request: Request) -> None:
        body = _body(request)
        pushed = re.fullmatch(r"/v2/(.+)/manifests/([^:]+)", request.path)
        if pushed and request.command == "PUT" and _is_there(upstream + request.path):
            request.reply(400, _refusal(*pushed.groups()), {"Content-Type": "application/json"})
            return
        names = {name for name in request.headers if name.lower() not in _HOP_BY_HOP}
        headers = {name: ", ".join(request.headers.get_all(name, [])) for name in names}
        answered = requests.request(
            request.command, upstream + request.path, data=body, headers=headers, allow_redirects=False, timeout=60
        )
        told = {name: value for name, value in answered.headers.items() if name.lower() not in _HOP_BY_HOP}
        if request.command == "HEAD":
            told["Content-Length"] = answered.headers.get("Content-Length", "0")
            request.send_response(answered.status_code)
            for name, value in told.items():
                request.send_header(name, value)
            request.end_headers()
            return
        request.reply(answered.status_code, answered.content, told)

    with loopback_server(answer) as address:
        yield f"localhost:{address.port}"


def _is_there(url: str) -> bool:
    return requests.head(url, headers={"Accept": ACCEPT}, timeout=20).status_code == 200


def _refusal(repository: str, tag: str) -> str:
    message = (
        f"The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten because the "
        "repository is immutable."
    )
    return json.dumps({"errors": [{"code": "TAG_INVALID", "message": message}]})


def _body(request: Request) -> bytes:
    """All of it; docker uploads in chunks whose number it does not tell."""
    if request.headers.get("Transfer-Encoding", "") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length", 0)))
    body = b""
    while size := int(request.rfile.readline().strip(), 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body
