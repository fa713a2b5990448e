"""The SSM agent of one machine: takes commands, runs up to five at a time, reports how they ended.

A silent agent (a fault) takes nothing new and reports nothing until it talks again; a dead one never does.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Protocol

from localcloud.aws.commands import Invocation, now
from localcloud.runtime import Finished, Run

WORKERS = 5
HEARTBEAT = 0.2
"""Seconds between two looks at whether a silent agent talks again."""


class Dispatcher(Protocol):
    """Whose commands the agent takes."""

    def start(self, invocation: Invocation) -> Run | None:
        """Starts the invocation's script; None where it is not to run any more."""

    def repeat(self, invocation: Invocation) -> Run | None:
        """Starts it once more, which no book tells."""

    def report(self, invocation: Invocation, finished: Finished) -> None:
        """The script has ended."""

    def lose(self, invocation: Invocation) -> None:
        """The script has ended, and nobody will hear how."""


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
        self._twice, self._pause, self._unheard = 0, 0.0, 0

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

    def duplicate(self, commands: int, pause: float) -> None:
        """The next `commands` are run twice, `pause` seconds between the end of one run and the other."""
        self._twice, self._pause = commands, pause

    def lose_answers(self, commands: int) -> None:
        """The next `commands` are carried out and not answered for."""
        self._unheard = commands

    def take(self, invocation: Invocation, dispatcher: Dispatcher) -> None:
        """Runs the invocation in a thread of its own."""
        work = threading.Thread(
            target=self._work, args=(invocation, dispatcher), name=f"agent-{self.instance_id}", daemon=True
        )
        work.start()

    def _work(self, invocation: Invocation, dispatcher: Dispatcher) -> None:
        with self._workers:
            if not self._connected(invocation):
                return
            run = dispatcher.start(invocation)
            if run is None:
                return
            twice, unheard = self._twice > 0, self._unheard > 0
            self._twice, self._unheard = self._twice - twice, self._unheard - unheard
            finished = run.wait()
        if unheard:
            dispatcher.lose(invocation)
        elif self._connected(invocation):
            dispatcher.report(invocation, finished)
        if twice:
            self._run_again(invocation, dispatcher)

    def _run_again(self, invocation: Invocation, dispatcher: Dispatcher) -> None:
        time.sleep(self._pause)
        with self._workers:
            again = None if self._dead else dispatcher.repeat(invocation)
            if again is not None:
                again.wait()

    def _connected(self, invocation: Invocation) -> bool:
        """Waits while the agent is silent; False once it is dead or the invocation is over."""
        while not self._talking.wait(HEARTBEAT):
            if self._dead or invocation.over:
                return False
        return not self._dead and not invocation.over
