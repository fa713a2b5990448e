"""Waiting for a fact with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

PATIENCE = 30
"""Seconds a test waits for what must happen."""

Answer = TypeVar("Answer")


def eventually(what: str, look: Callable[[], Answer | None], patience: float = PATIENCE) -> Answer:
    """The first truthy answer of `look`; fails after `patience` seconds, saying what was waited for."""
    deadline = time.monotonic() + patience
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"not within {patience} s: {what}; last answer {answer!r}")
        time.sleep(0.02)
