"""What holds for every test."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """SIGTERM ends the run as Ctrl-C does: fixtures are torn down, no cloud is left behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
