"""The SSM agent of one machine: takes commands, runs up to five at a time, reports how they ended.

A silent agent (a fault) takes nothing new and reports nothing until it talks again; a dead one never does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from localcloud.aws.commands import Invocation, now
from localcloud.runtime import Finished, Run

WORKERS = 5
HEARTBEAT = 0.2
"""Seconds between two looks at whether a silent agent talks again."""


class Agent:
    """One instance as Systems Manager knows it."""

    def __init__(self, instance_id: str) -> None:
        self.instance_id = instance_id
        self.registered_at = now()
        self._workers = threading.BoundedSemaphore(WORKERS)
        self._talking = threading.Event()
        self._talking.set()
        self._lost_at: datetime | None = None
        self._dead = False

    @property
    def online(self) -> bool:
        """Whether PingStatus is Online; ConnectionLost otherwise."""
        return self._talking.is_set() and not self._dead

    @property
    def last_ping(self) -> datetime:
        """When the agent was last heard."""
        return self._lost_at or now()

    def silence(self) -> None:
        """The agent stops talking; what runs goes on running."""
        self._lost_at = now()
        self._talking.clear()

    def resume(self) -> None:
        """The agent talks again and reports what ended meanwhile."""
        self._lost_at = None
        self._talking.set()

    def die(self) -> None:
        """The machine is gone."""
        self._lost_at = self._lost_at or now()
        self._dead = True

    def take(
        self,
        invocation: Invocation,
        start: Callable[[Invocation], Run | None],
        report: Callable[[Invocation, Finished], None],
    ) -> None:
        """Runs the invocation in a thread of its own; `start` may refuse by returning None."""
        work = threading.Thread(
            target=self._work, args=(invocation, start, report), name=f"agent-{self.instance_id}", daemon=True
        )
        work.start()

    def _work(
        self,
        invocation: Invocation,
        start: Callable[[Invocation], Run | None],
        report: Callable[[Invocation, Finished], None],
    ) -> None:
        with self._workers:
            if not self._connected(invocation):
                return
            run = start(invocation)
            if run is None:
                return
            finished = run.wait()
        if self._connected(invocation):
            report(invocation, finished)

    def _connected(self, invocation: Invocation) -> bool:
        """Waits while the agent is silent; False once it is dead or the invocation is over."""
        while not self._talking.wait(HEARTBEAT):
            if self._dead or invocation.over:
                return False
        return not self._dead and not invocation.over
