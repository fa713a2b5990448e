"""SSM Run Command: commands reach agents, run for real, end in AWS's own states.

Status model and limits: `localcloud.aws.commands`; the API around it: `localcloud.aws.systems_manager`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from localcloud.aws.agent import Agent
from localcloud.aws.commands import Command, Invocation, now
from localcloud.runtime import Finished, Run, Runtime, Script

CLOCK_SLACK = 0.05
"""Seconds by which a runtime's own clock may run ahead of ours when it kills a script on time-out."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tempo:
    """How fast the cloud's own clocks run, so that tests need not wait AWS's minimum of 30 s for a delivery."""

    visible_after: float = 0.2
    """Seconds after SendCommand in which reads do not see the command yet (eventual consistency)."""
    delivery: float = 1.0
    """Factor on the delivery timeout."""


class RunCommand:
    """The commands of one account and region, and the agents that take them."""

    def __init__(self, runtime: Runtime, region: str, lock: threading.RLock, tempo: Tempo) -> None:
        self._runtime = runtime
        self._region = region
        self._lock = lock
        self._tempo = tempo
        self._commands: dict[str, Command] = {}
        self.agents: dict[str, Agent] = {}

    def send(self, command: Command) -> None:
        """Takes the command on and hands its first invocations to their agents."""
        with self._lock:
            self._commands[command.id] = command
            self._advance(command)

    def visible(self) -> list[Command]:
        """The commands reads may see by now, newest first."""
        horizon = now() - timedelta(seconds=self._tempo.visible_after)
        commands = [each for each in self._commands.values() if each.requested_at <= horizon]
        return sorted(commands, key=lambda each: each.requested_at, reverse=True)

    def known(self, command_id: str) -> Command | None:
        """A command, visible or not."""
        return self._commands.get(command_id)

    def cancel(self, invocations: Iterable[Invocation]) -> None:
        """Cancels what has not ended: at once where nothing runs yet, by SIGKILL where it does."""
        for each in invocations:
            if each.run is None:
                each.settle("Cancelled")
            elif not each.over:
                each.details = "Cancelling"
                each.run.kill()

    def expire(self, gone: Callable[[str], bool]) -> None:
        """Ends invocations nobody will answer for; `gone` says whether an instance exists no more."""
        with self._lock:
            for command in self._commands.values():
                pending = [each for each in command.invocations if not each.over]
                for each in pending:
                    self._expire(each, gone)
                if pending:
                    self._advance(command)

    def _expire(self, invocation: Invocation, gone: Callable[[str], bool]) -> None:
        command = invocation.command
        delivery = timedelta(seconds=command.delivery_timeout * self._tempo.delivery)
        execution = timedelta(seconds=command.step.timeout)
        if invocation.details == "Pending" and gone(invocation.instance_id):
            invocation.settle("Undeliverable")
        elif invocation.details == "Pending" and now() > command.requested_at + delivery:
            invocation.settle("DeliveryTimedOut")
        elif now() > command.requested_at + delivery + execution:
            invocation.settle("Cancelled" if invocation.details == "Cancelling" else "DeliveryTimedOut")

    def _advance(self, command: Command) -> None:
        for invocation in command.startable():
            invocation.dispatched = True
            agent = self.agents.get(invocation.instance_id)
            if agent is not None:
                agent.take(invocation, self)
        if not command.startable():
            self._give_up_the_rest(command)

    def _give_up_the_rest(self, command: Command) -> None:
        """After MaxErrors: what is not under way never starts."""
        busy = any(each.dispatched and not each.over for each in command.invocations)
        if not busy:
            for each in command.invocations:
                each.settle("Terminated")

    # what an agent calls: see localcloud.aws.agent.Dispatcher

    def start(self, invocation: Invocation) -> Run | None:
        with self._lock:
            if invocation.over:
                return None
            invocation.details, invocation.started_at = "InProgress", now()
        run = self.repeat(invocation)
        if run is not None:
            with self._lock:
                invocation.run = run
                if invocation.details != "InProgress":
                    run.kill()
        return run

    def repeat(self, invocation: Invocation) -> Run | None:
        command, step = invocation.command, invocation.command.step
        environment = {
            **step.environment,
            "SSM_COMMAND_ID": command.id,
            "AWS_SSM_INSTANCE_ID": invocation.instance_id,
            "AWS_SSM_REGION_NAME": self._region,
        }
        script = Script(text=step.script, environment=environment, timeout=step.timeout)
        try:
            return self._runtime.run(invocation.instance_id, script)
        except Exception:  # the machine died under the command: as on AWS, nobody reports and it expires
            _log.exception("could not start command %s on %s", command.id, invocation.instance_id)
            return None

    def lose(self, invocation: Invocation) -> None:
        with self._lock:
            invocation.settle("DeliveryTimedOut")
            self._advance(invocation.command)

    def report(self, invocation: Invocation, finished: Finished) -> None:
        with self._lock:
            code = finished.exit_code
            details = _ending(invocation, finished)
            invocation.settle(details, -1 if code is None else code, finished.stdout, finished.stderr)
            self._advance(invocation.command)


def _ending(invocation: Invocation, finished: Finished) -> str:
    if invocation.details == "Cancelling":
        return "Cancelled"
    if finished.exit_code == 0:
        return "Success"
    started = invocation.started_at or now()
    ran_out = now() - started >= timedelta(seconds=invocation.command.step.timeout - CLOCK_SLACK)
    return "ExecutionTimedOut" if finished.exit_code is None and ran_out else "Failed"
