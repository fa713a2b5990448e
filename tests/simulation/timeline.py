"""Virtual time: what happens when, and the end of a runner."""

from __future__ import annotations

import heapq
from collections.abc import Callable

BEGINNING = 1_800_000_000.0
"""Seconds since the epoch at which every scenario begins."""


class Crash(BaseException):
    """The runner is killed here. No Exception: nothing of the product may catch it, as nothing catches SIGKILL."""


class Timeline:
    """The clock of a world and its events, in the order of their times, then of their planning."""

    __slots__ = ("_count", "_heap", "now", "story")

    def __init__(self, story: list[str] | None = None) -> None:
        self.now = BEGINNING
        self.story = story
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, when: float, happen: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, happen))

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        self.at(self.now + seconds, happen)

    def go_on(self, seconds: float) -> None:
        """Time passes, and everything due happens. Events plan others; they never let time pass themselves."""
        end, heap = self.now + seconds, self._heap
        while heap and heap[0][0] <= end:
            when, _, happen = heapq.heappop(heap)
            if when > self.now:
                self.now = when
            happen()
        self.now = end

    def tell(self, line: str) -> None:
        """A line of the timeline that `-v` prints; callers that would have to format much ask `story` first."""
        if self.story is not None:
            self.story.append(f"{self.now - BEGINNING:9.2f}  {line}")
