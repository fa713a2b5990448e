"""A publish that is killed at any of its calls to S3 leaves nothing that looks like a release; the next finishes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import requests

from deployer.core import keys
from deployer.core.errors import EXIT_DONE
from deployer.core.release import Release, sha256_of
from tests.cloud.publish.checkouts import objects, publish
from tests.loopback_server import Request, loopback_server

_SPAWN = multiprocessing.get_context("forkserver")
_SPAWN.set_forkserver_preload(["boto3", "deployer.commands.publish", "tests.cloud.publish.checkouts"])


@dataclass
class Gateway:
    """What stands between a publish and S3. Whoever makes call number `deadly` is killed once S3 has done it.

    For S3 that is the same as being killed before the next call.
    """

    endpoint: str
    deadly: int
    victim: BaseProcess | None = None
    calls: int = 0

    def answer(self, request: Request) -> None:
        self.calls += 1
        if "Expect" in request.headers:  # it waits a second to be asked for the body
            request.send_response_only(100)
            request.end_headers()
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        found = requests.request(
            request.command, self.endpoint + request.path, data=body, headers=dict(request.headers), timeout=30
        )
        if self.calls == self.deadly:
            self._kill()
            return
        headers = {name: value for name, value in found.headers.items() if name.lower() in ("etag", "content-type")}
        with suppress(OSError):
            request.reply(found.status_code, found.content, headers)

    def _kill(self) -> None:
        assert self.victim is not None
        assert self.victim.pid is not None
        os.kill(self.victim.pid, signal.SIGKILL)


@contextmanager
def _publishing(gateway: Gateway, checkout: Path, version: str) -> Iterator[BaseProcess]:
    """A publish in a process of its own."""
    with loopback_server(gateway.answer) as address:
        environment = {**os.environ, "AWS_ENDPOINT_URL": address.url}
        process = _SPAWN.Process(target=_publish, args=(checkout, environment, version))
        gateway.victim = process
        process.start()
        process.join()
        yield process


def _publish(checkout: Path, environment: dict[str, str], version: str) -> None:
    os.environ.update(environment)
    os.chdir(checkout)
    raise SystemExit(publish(None, version=version))


def whole(found: dict[str, bytes], version: str) -> bool:
    """Whether the release is there; where its manifest is, all that it names must be."""
    manifest = found.get(keys.release("orange", version))
    if manifest is None:
        return False
    release = Release.from_json(manifest)
    named = {each.path: each.sha256 for each in release.files} | {release.activate.path: release.activate.sha256}
    for path, sha256 in named.items():
        assert sha256_of(found[keys.release("orange", version, path)]) == sha256
    return True


@pytest.mark.timeout(300)
def test_whatever_call_it_is_killed_at_no_half_release_is_seen_and_the_next_run_finishes(
    s3: Any, aws_endpoint: str, checkout: Path
) -> None:
    undisturbed = Gateway(aws_endpoint, deadly=0)
    with _publishing(undisturbed, checkout, "v0") as process:
        assert process.exitcode == EXIT_DONE
    assert whole(objects(s3), "v0")
    assert undisturbed.calls == 1 + len(objects(s3))  # whether it is there; each object

    for deadly in range(1, undisturbed.calls + 1):
        version = f"v{deadly}"
        with _publishing(Gateway(aws_endpoint, deadly), checkout, version) as process:
            assert process.exitcode == -signal.SIGKILL, version
        assert whole(objects(s3), version) == (deadly == undisturbed.calls), version
        assert publish(version=version) == EXIT_DONE, version
        assert whole(objects(s3), version), version
