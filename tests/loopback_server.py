"""HTTP servers of the tests' own: on loopback, gone when their block ends."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    @property
    def netloc(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.netloc}"


class Request(BaseHTTPRequestHandler):
    """One request, and how to answer it."""

    default_request_version = "HTTP/1.0"
    """Who comes with TLS is told in HTTP that it is not spoken here, as other servers do."""

    def body(self) -> str:
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def reply(self, status: int, body: str | bytes, headers: Mapping[str, str] | None = None) -> None:
        """A whole answer; to HEAD without its body."""
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: tests read what they keep of a request."""


@contextmanager
def loopback_server(
    answer: Callable[[Request], None], host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Address]:
    """Has `answer` reply to each request, in a thread of its own. Port 0 is any free one; `tls` makes it HTTPS."""

    class Handler(Request):
        def _handle(self) -> None:
            answer(self)

        do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_CONNECT = _handle  # noqa: N815  (http.server's own names)

    with ThreadingHTTPServer((host, port), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield Address(host, server.server_port)
        finally:
            server.shutdown()
            thread.join()
