"""A real load balancer (haproxy) that follows a list of targets while requests go through it.

The server slots are declared once, all out of service; `follow` fills and drains them through haproxy's runtime API, so
the proxy is never reloaded. A drained slot finishes what it has and is used again only when it is idle.
"""

from __future__ import annotations

import csv
import io
import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

from localcloud.child import Child
from localcloud.engine_command import EngineError

Target = tuple[str, int]
"""Address and port."""

SLOTS = 100
_ADMIN = "admin.sock"

# A new connection to the target for every request, as nothing may be sent on one that a stopping target just closed.
# As with an Application Load Balancer, no request is tried again elsewhere: who stops a target too early is found out.
_CONFIGURATION = """\
global
  maxconn 4000
  stats socket unix@{admin} mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  option http-server-close
  retries 0
frontend public
  bind fd@{listener}
  default_backend targets
backend targets
  balance roundrobin
  server-template slot 1-{slots} 127.0.0.1:1 disabled
"""


class LoadBalancer:
    """One proxy; `url` is known once it is started (port 0: the kernel picks a free one)."""

    def __init__(self, state_directory: Path, port: int = 0) -> None:
        self.port = port
        self._directory = state_directory.resolve() / "load-balancer"
        self._child = Child(self._directory, "haproxy")
        self._lock = threading.Lock()
        self._filled: dict[Target, str] = {}
        self._draining: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once it accepts connections (503 until it follows somebody); raises EngineError if it does not."""
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / _ADMIN).unlink(missing_ok=True)
        with socket.create_server(("127.0.0.1", self.port)) as listener:
            self.port = listener.getsockname()[1]
            text = _CONFIGURATION.format(admin=_ADMIN, listener=listener.fileno(), slots=SLOTS)
            (self._directory / "haproxy.cfg").write_text(text)
            command = ["haproxy", "-db", "-f", "haproxy.cfg"]
            self._child.start(command, self._answers, pass_fds=[listener.fileno()])

    def _answers(self) -> bool:
        try:
            return "Name: HAProxy" in self._ask("show info")
        except OSError:
            return False

    def stop(self) -> None:
        """Stops it at once; a second call does nothing."""
        self._child.stop()

    def follow(self, targets: Sequence[Target]) -> None:
        """New requests go to exactly these from now on; those under way elsewhere are finished there.

        Raises EngineError if there are more targets than free slots.
        """
        wanted = set(targets)
        with self._lock:
            for target in wanted - self._filled.keys():
                self._fill(target)
            for target in self._filled.keys() - wanted:
                self._drain(target)

    def open_requests(self, address: str) -> int:
        """Requests under way at an address, those a drained slot still finishes included."""
        return sum(int(row["scur"]) for row in self._slots() if row["addr"].rpartition(":")[0] == address)

    def _fill(self, target: Target) -> None:
        slot = self._free_slot()
        address, port = target
        self._tell(f"set server targets/{slot} addr {address} port {port}")
        self._tell(f"set server targets/{slot} state ready")
        self._draining.discard(slot)
        self._filled[target] = slot

    def _drain(self, target: Target) -> None:
        slot = self._filled.pop(target)
        self._tell(f"set server targets/{slot} state drain")
        self._draining.add(slot)

    def _free_slot(self) -> str:
        busy = self._busy_slots()
        for slot in (f"slot{number}" for number in range(1, SLOTS + 1)):
            if slot not in busy:
                return slot
        raise EngineError(f"the load balancer has room for {SLOTS} targets")

    def _busy_slots(self) -> set[str]:
        """Slots in use, and drained ones that still have a request under way."""
        sessions = {row["svname"]: int(row["scur"]) for row in self._slots()}
        return {*self._filled.values(), *(slot for slot in self._draining if sessions[slot] > 0)}

    def _slots(self) -> list[dict[str, str]]:
        """haproxy's own statistics of every slot, by its column names."""
        rows = csv.DictReader(io.StringIO(self._ask("show stat").removeprefix("# ")))
        return [row for row in rows if row["pxname"] == "targets" and row["svname"] != "BACKEND"]

    def _tell(self, command: str) -> None:
        answer = self._ask(command).strip()
        # Setting an address is the one command that answers with a sentence when it worked.
        if answer and not answer.startswith(("IP changed", "port changed", "no need to change")):
            raise EngineError(f"the load balancer refused {command!r}: {answer}")

    def _ask(self, command: str) -> str:
        """One command to the runtime API; the detour keeps the socket's name under the kernel's limit."""
        handle = os.open(self._directory, os.O_PATH)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as api:
                api.settimeout(5)
                api.connect(f"/proc/self/fd/{handle}/{_ADMIN}")
                api.sendall(command.encode() + b"\n")
                return b"".join(iter(lambda: api.recv(1 << 16), b"")).decode()
        finally:
            os.close(handle)
