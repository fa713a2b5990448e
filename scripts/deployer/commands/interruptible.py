"""A command that may stop at any line: SIGINT and SIGTERM end it with the exit code they stand for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from deployer.core.errors import Interrupted


class _Stop(BaseException):
    """A signal on its way out of the command. No Exception: botocore catches those while it sends, and tries again."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def interruptible(fix: str) -> Iterator[None]:
    """Ends the command where it is when it is asked to stop, closing what it opened; raises Interrupted.

    `fix` says how things stand then. The handlers from before are put back at the end. Main thread only.
    """

    def asked(number: int, _frame: FrameType | None) -> None:
        raise _Stop(number)

    before = {each: signal.signal(each, asked) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Stop as stop:
        raise Interrupted(stop.number, f"stopped by {signal.Signals(stop.number).name}", fix) from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
