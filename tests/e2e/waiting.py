"""Waiting for a fact with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(fact: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Returns once `fact` is true; fails the test naming `what` when it still is not after `seconds`."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)
