"""A stand-in container: one background process that answers HTTP on sockets it was given.

    python -m localcloud.runtime.process_container DIRECTORY FD…

`container.json` in DIRECTORY says what it does. Its environment is in that file too, because the process's own holds
what marks it as the instance's.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from localcloud.runtime.process_behaviour import SICK, STATUS, Behaviour

POLL = 0.1  # seconds until a server notices that it should stop

_SENSITIVE = ("PASSWORD", "SECRET", "TOKEN", "URL")


def main(arguments: list[str]) -> int:
    """Serves until SIGTERM; returns the exit code of an image that ends at once."""
    content = json.loads((Path(arguments[0]) / "container.json").read_text())
    behaviour = _behaviour(content)
    _log_start(content["name"], behaviour, content["environment"])
    if behaviour.exit_code is not None:
        (Path(arguments[0]) / "exit_code").write_text(str(behaviour.exit_code))
        return behaviour.exit_code
    sick = Path(arguments[0]).parent.parent / SICK
    servers = [_server(int(fd), behaviour, content["environment"], sick) for fd in arguments[1:]]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True).start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    for server in servers:
        server.shutdown()
        server.server_close()  # waits for the answers under way
    return 0


def _behaviour(content: Mapping[str, Any]) -> Behaviour:
    """The image's, unless the environment knows better."""
    behaviour = Behaviour(**content["behaviour"])
    return replace(behaviour, status=int(content["environment"].get(STATUS, behaviour.status)))


class _Server(ThreadingHTTPServer):
    daemon_threads = False


def _log_start(name: str, behaviour: Behaviour, environment: Mapping[str, str]) -> None:
    print(f"{name} {behaviour.version} starts", flush=True)
    if behaviour.status != 200 or behaviour.exit_code:
        # as real programs do when they fail: the settings they failed with end up in the log
        for key, value in environment.items():
            if any(word in key for word in _SENSITIVE):
                print(f"cannot work with {key}={value}", flush=True)


def _server(fd: int, behaviour: Behaviour, environment: Mapping[str, str], sick: Path) -> _Server:
    listening = socket.socket(fileno=fd)
    server = _Server(listening.getsockname(), _handler(behaviour, environment, sick), bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    return server


def _handler(behaviour: Behaviour, environment: Mapping[str, str], sick: Path) -> type[BaseHTTPRequestHandler]:
    body = f"{behaviour.version} {environment.get('GREETING', '')}".strip().encode() + b"\n"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if sick.exists() else behaviour.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent: health checks are no news."""

    return Handler


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
