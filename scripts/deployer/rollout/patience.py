"""Trying again what AWS refuses, where giving up would leave something undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from deployer.core.errors import Refused
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
