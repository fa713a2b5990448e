"""The real clock, and the signals by which a person or the runner asks to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class RealClock:
    """A rollout.ports.Clock. A cancelled job gets SIGINT, 7.5 s later SIGTERM, then is killed (GitHub's runner)."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._signal: int | None = None

    def now(self) -> float:
        return time.time()

    def wait(self, seconds: float) -> None:
        self._stop.wait(max(0.0, seconds))

    def stop_requested(self) -> int | None:
        return self._signal

    @contextmanager
    def watching_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM become a wish to stop; the handlers from before are put back at the end."""
        before = {each: signal.signal(each, self._asked) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _asked(self, number: int, _frame: FrameType | None) -> None:
        self._signal = self._signal or number
        self._stop.set()
