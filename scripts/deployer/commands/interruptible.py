"""A command that may stop at any line: SIGINT and SIGTERM end it with the exit code they stand for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from deployer.core.errors import Interrupted


@contextmanager
def interruptible(fix: str) -> Iterator[None]:
    """Raises Interrupted where the command is when it is asked to stop, so that what it opened is closed.

    `fix` says how things stand then. The handlers from before are put back at the end. Main thread only.
    """

    def asked(number: int, _frame: FrameType | None) -> None:
        raise Interrupted(number, f"stopped by {signal.Signals(number).name}", fix)

    before = {each: signal.signal(each, asked) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
