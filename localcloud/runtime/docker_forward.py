"""Ports of this machine's loopback inside the instances, through unix sockets in a directory each instance shares.

The cloud's services listen on loopback only, and an instance has its own. A bridge address would open them to every
container of the engine; a socket in a shared directory is seen by that one instance. Outside, a thread answers on the
socket and connects to the port; inside, haproxy listens on the same port and connects to the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

METADATA = "metadata.sock"

_HAPROXY = """\
global
  maxconn 1000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
"""


def inside_configuration(ports: Sequence[int], directory: str) -> str:
    """The configuration of the haproxy inside an instance; `directory` is where it sees the sockets."""
    text = _HAPROXY + _listen("169.254.169.254:80", f"{directory}/{METADATA}")
    return text + "".join(_listen(f"127.0.0.1:{port}", f"{directory}/{port}.sock") for port in ports)


def _listen(address: str, path: str) -> str:
    return f"listen {address.replace(':', '_')}\n  bind {address}\n  server cloud unix@{path}\n"


class Forwarder:
    """The outer ends of all instances, served by one thread of the cloud: nothing is left behind if it is killed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: dict[Path, list[asyncio.Server]] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="forwarder", daemon=True)
        self._thread.start()

    def open(self, directory: Path, sockets: Mapping[str, int]) -> None:
        """Serves each socket name in `directory` from the loopback port it maps to."""
        asyncio.run_coroutine_threadsafe(self._open(directory, sockets), self._loop).result()

    def shut(self, directory: Path) -> None:
        """Stops serving the sockets of `directory`; unknown directories are ignored."""
        asyncio.run_coroutine_threadsafe(self._shut(directory), self._loop).result()

    def close(self) -> None:
        """Stops everything, connections under way included; a second call does nothing."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self, directory: Path, sockets: Mapping[str, int]) -> None:
        servers = self._servers.setdefault(directory, [])
        for name, port in sockets.items():
            servers.append(await asyncio.start_unix_server(_Connection(port), sock=_bound(directory, name)))

    async def _shut(self, directory: Path) -> None:
        for server in self._servers.pop(directory, []):
            server.close()

    async def _end(self) -> None:
        for directory in list(self._servers):
            await self._shut(directory)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _bound(directory: Path, name: str) -> socket.socket:
    """A unix socket at directory/name; the detour keeps the name under the kernel's limit of 108 bytes."""
    (directory / name).unlink(missing_ok=True)
    handle = os.open(directory, os.O_PATH)
    try:
        endpoint = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        endpoint.bind(f"/proc/self/fd/{handle}/{name}")
    finally:
        os.close(handle)
    return endpoint


class _Connection:
    """What the unix server calls for each connection: carries bytes both ways until both sides are done."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
        finally:
            writer.close()
            far_writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
