"""GitHub over HTTP, and every call to it held to GitHub's own description."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from localcloud.aws.server import Server
from localcloud.github.server import PREFIX, GitHub
from tests.cloud.github.described import Described

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(threading.RLock())
    server.start()
    yield server
    server.close()


@pytest.fixture
def github(server: Server) -> GitHub:
    return GitHub(server.origin)


@pytest.fixture
def described(server: Server, github: GitHub) -> Iterator[WSGIApplication]:
    """What answers as GitHub; a test in which a call was not as described has failed."""
    described = Described(github, f"{PREFIX}/api")
    server.mount(PREFIX, described)
    yield described
    assert described.wrong == []


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries happen, but at once."""
    monkeypatch.setattr("urllib3.util.retry.Retry.get_backoff_time", lambda _: 0.0)
