"""What holds for every test."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

E2E = Path(__file__).parent / "e2e"


def pytest_configure() -> None:
    """SIGTERM ends the run as Ctrl-C does: fixtures are torn down, no cloud is left behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_itemcollected(item: pytest.Item) -> None:
    """`pytest -n 2 --dist loadgroup` keeps a file in one process, and all that shares the docker engine in one."""
    group = "engine" if item.path.is_relative_to(E2E) else str(item.path)
    item.add_marker(pytest.mark.xdist_group(group))
