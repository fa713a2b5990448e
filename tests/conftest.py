"""What holds for every test."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """SIGTERM ends the run as Ctrl-C does: fixtures are torn down, no cloud is left behind.

    SIGINT is set as well: a shell hands it to what runs in its background as ignored, and so would we to what we start.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    config.addinivalue_line("markers", "expects_denial: what the local cloud denies during this test was meant to be")


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Leaves the names of the tests that expect denials to tests.permissions, beside what the clouds write there."""
    directory = os.environ.get("LOCALCLOUD_AUTHORISED", "")
    named = [each.nodeid for each in items if each.get_closest_marker("expects_denial")]
    if directory and named:
        (Path(directory) / f"{uuid.uuid4()}.expects").write_text(json.dumps(named))
