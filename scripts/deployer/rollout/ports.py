"""What the loop needs of the world. AWS is one implementation; a test's fleet is another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from deployer.core.fleet import Fleet
from deployer.core.orders import Order, Reply, Sent


class Group(Protocol):
    """One Auto Scaling group with its target groups."""

    name: str

    def observe(self) -> Fleet:
        """The group as it is now."""

    def drain(self, ids: Iterable[str]) -> None:
        """Takes instances out of every target group; returns before they are out."""

    def register(self, ids: Iterable[str]) -> None:
        """Puts instances into every target group; returns before they are healthy."""

    def suspend(self, processes: Iterable[str]) -> tuple[str, ...]:
        """Suspends scaling processes and returns those that were not suspended before."""

    def resume(self, processes: Iterable[str]) -> None:
        """Resumes scaling processes."""


class Commands(Protocol):
    """Run Command."""

    def send(self, ids: Iterable[str], order: Order) -> Iterator[Sent]:
        """Sends an order, some instances at a time; what was yielded is on its way, whatever happens to the rest.

        Raises Unanswered where nobody knows whether an order is on its way. Asked again, it finds out first.
        """

    def replies(self, command_ids: Collection[str]) -> Iterator[tuple[str, tuple[Reply, ...]]]:
        """What came back of these commands since the last call: a reply for each instance where one has ended.

        One command after the other: what was yielded counts, whatever happens to the rest. Raises Refused.
        """

    def cancel(self, command_id: str) -> None:
        """Asks for a command to be given up; there is no guarantee that it stopped (SSM)."""


class Clock(Protocol):
    """Time, and the operator's wish to stop."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def wait(self, seconds: float) -> None:
        """Returns after that time, or as soon as somebody asks to stop."""

    def stop_requested(self) -> int | None:
        """The number of the signal that asked to stop, if one came."""


class Voice(Protocol):
    """Where the log of a rollout goes."""

    def say(self, line: str) -> None: ...

    def group(self, title: str) -> AbstractContextManager[None]: ...

    def warning(self, title: str, message: str) -> None: ...
