"""Lifecycle hooks: an instance waits until somebody completes its action, or until the heartbeat times out."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
CONTINUE, ABANDON = "CONTINUE", "ABANDON"


@dataclass
class Wait:
    """One hook's hold on one instance."""

    hook: str
    heartbeat: float
    """Seconds a heartbeat buys."""
    default_result: str
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    deadline: float = 0.0
    completed: str = ""

    def beat(self) -> None:
        """Starts the time-out anew."""
        self.deadline = time.monotonic() + self.heartbeat

    @property
    def result(self) -> str:
        """CONTINUE or ABANDON once decided, else the empty string."""
        if self.completed:
            return self.completed
        return self.default_result if time.monotonic() > self.deadline else ""


def waits_for(hooks: Iterable[Any]) -> dict[str, Wait]:
    """A fresh wait for each of the group's hooks, by the hook's name."""
    waits = {each.name: Wait(each.name, float(each.heartbeat_timeout), each.default_result) for each in hooks}
    for wait in waits.values():
        wait.beat()
    return waits


def verdict(waits: Iterable[Wait]) -> str:
    """ABANDON as soon as one says so, CONTINUE once all do, else the empty string."""
    results = [each.result for each in waits]
    if ABANDON in results:
        return ABANDON
    return "" if "" in results else CONTINUE
