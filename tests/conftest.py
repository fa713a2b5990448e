"""What holds for every test."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """SIGTERM ends the run as Ctrl-C does: fixtures are torn down, no cloud is left behind.

    SIGINT is set as well: a shell hands it to what runs in its background as ignored, and so would we to what we start.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
