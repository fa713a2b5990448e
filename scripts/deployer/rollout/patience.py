"""Trying again what AWS refuses, where giving up would leave something undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from deployer.core.errors import Refused
from deployer.rollout.lease import Lease
from deployer.rollout.ports import Clock

Answer = TypeVar("Answer")

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
"""Seconds between two attempts."""


def patiently(clock: Clock, act: Callable[[], Answer]) -> Answer:
    """What `act` returns, tried for a minute; raises the last Refused. For what may be done twice without harm.

    Once somebody asked to stop there is no time for another attempt.
    """
    for pause in PAUSES:
        try:
            return act()
        except Refused:
            if clock.stop_requested():
                raise
            clock.wait(pause)
    return act()


def while_held(lease: Lease, clock: Clock, act: Callable[[], Answer]) -> Answer:
    """The same for what only the holder of the lease may do, which is made sure of before each attempt.

    Raises LeaseHeld where somebody took it over meanwhile.
    """

    def attempt() -> Answer:
        lease.check()
        return act()

    return patiently(clock, attempt)
