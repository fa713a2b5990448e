"""The containers and images of one instance, kept in its directory: what the stand-in engine knows."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from localcloud.child import start_time
from localcloud.runtime.process_behaviour import Behaviour
from localcloud.runtime.process_compose import Service

STOP_PATIENCE = 5  # seconds between SIGTERM and SIGKILL; docker waits 10


class EngineRefused(Exception):
    """What docker would refuse, in its words."""


@dataclass(frozen=True)
class Container:
    """One container; its directory holds `container.json`, `log`, `pid` and, once ended by itself, `exit_code`."""

    id: str
    name: str
    project: str
    identity: str
    directory: Path

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        with contextlib.suppress(FileNotFoundError):
            pid, started = (self.directory / "pid").read_text().split()
            if start_time(int(pid)) == started:
                return None
            return int((self.directory / "exit_code").read_text())
        return 137  # as docker says of what was killed

    def remove(self) -> None:
        """Stops its process and forgets it."""
        pid, started = (self.directory / "pid").read_text().split()
        deadline = time.monotonic() + STOP_PATIENCE
        number = signal.SIGTERM
        while start_time(int(pid)) == started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), number)
            if time.monotonic() > deadline:
                number = signal.SIGKILL
            time.sleep(0.01)
        shutil.rmtree(self.directory)


class Engine:
    """The stand-in for the docker engine of the instance in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        machine = json.loads((directory / "machine.json").read_text())
        self._address = machine["address"]
        self._mirror = machine["registry"]

    # images: one file each, named by digest

    def pull(self, reference: str) -> str:
        """Fetches an image, checked against its digest; returns the digest. Raises EngineRefused."""
        from localcloud.runtime.process_image import PullRefused, pull  # start-up time: few commands need HTTP

        try:
            digest, behaviour = pull(reference, self._mirror)
        except PullRefused as error:
            raise EngineRefused(f"Error response from daemon: {error}") from error
        path = self._image(digest)
        known = json.loads(path.read_text())["references"] if path.exists() else []
        references = sorted({*known, reference, f"{reference.partition('@')[0]}@{digest}"})
        _write(path, json.dumps({"references": references, "behaviour": asdict(behaviour)}))
        return digest

    def images(self) -> list[str]:
        """NAME@DIGEST or NAME:TAG of all images."""
        return sorted(
            each
            for path in self._directory.glob("images/*.json")
            for each in json.loads(path.read_text())["references"]
        )

    def remove_image(self, reference: str) -> None:
        """Forgets one name of an image, and the image with its last name. Raises EngineRefused."""
        for path in self._directory.glob("images/*.json"):
            content = json.loads(path.read_text())
            if reference in content["references"]:
                content["references"].remove(reference)
                _write(path, json.dumps(content)) if content["references"] else path.unlink()
                return
        raise EngineRefused(f"Error response from daemon: No such image: {reference}")

    def _behaviour(self, reference: str) -> Behaviour:
        for path in self._directory.glob("images/*.json"):
            content = json.loads(path.read_text())
            if reference in content["references"]:
                return Behaviour(**content["behaviour"])
        self.pull(reference)
        return self._behaviour(reference)

    def _image(self, digest: str) -> Path:
        return self._directory / "images" / f"{digest.removeprefix('sha256:')}.json"

    # containers: one directory each, named by id

    def containers(self, project: str = "") -> Iterator[Container]:
        """Those of a compose project, or all."""
        for path in sorted(self._directory.glob("containers/*/pid")):
            try:
                content = json.loads((path.parent / "container.json").read_text())
            except FileNotFoundError:  # removed meanwhile
                continue
            if project in ("", content["project"]):
                yield Container(path.parent.name, content["name"], content["project"], content["identity"], path.parent)

    def container(self, name: str) -> Container:
        """By id. Raises EngineRefused."""
        for each in self.containers():
            if each.id == name:
                return each
        raise EngineRefused(f"Error: No such object: {name}")

    def start(self, project: str, service: Service) -> None:
        """A new container, its ports open when this returns. Raises EngineRefused."""
        identity = os.urandom(6).hex()
        directory = self._directory / "containers" / identity
        content = {
            "name": service.container,
            "project": project,
            "identity": service.identity,
            "behaviour": asdict(self._behaviour(service.image)),
            "environment": dict(service.environment),
        }
        listening = [self._listen(port) for port in service.ports]
        directory.mkdir(mode=0o700)
        (directory / "container.json").write_text(json.dumps(content))
        pid = _spawn(directory, [each.fileno() for each in listening])
        _write(directory / "pid", f"{pid} {start_time(pid)}")

    def _listen(self, port: int) -> socket.socket:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((self._address, port))
        except OSError as error:
            raise EngineRefused(f"driver failed programming external connectivity: port {port}: {error}") from error
        listening.listen(64)
        return listening


def _spawn(directory: Path, sockets: Sequence[int]) -> int:
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "localcloud.runtime.process_container", str(directory), *map(str, sockets)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=sockets,
            start_new_session=True,
        ).pid


def _write(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)
