"""SSM Run Command as AWS describes it: delivery, statuses, eventual consistency, and what gets lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulation.host import SECRET, Host
from tests.simulation.work import Work

if TYPE_CHECKING:
    from tests.simulation.world import World

VISIBLE_AFTER = 1.0
"""Seconds until a command is listed."""
DELIVERY_TRIES_EVERY = 6.0
LISTED_OUTPUT = 2500
RUNNING = ("Pending", "InProgress", "Cancelling")


def half_printed(host: Host) -> str:
    """What a command that is killed leaves of its output: it ends before the marker, and nobody redacts it."""
    return f"from {host.version} to {host.attempt}, PASSWORD={SECRET}\n"


class Invocation:
    """A command at one instance. `status` is the truth, `shown` what a list says, some time later."""

    __slots__ = ("host_id", "output", "shown", "shown_output", "started", "status", "told_to", "work")

    def __init__(self, host_id: str) -> None:
        self.host_id = host_id
        self.status = self.shown = "Pending"
        self.output = self.shown_output = ""
        self.started = False
        self.work: Work | None = None
        self.told_to: set[str] = set()
        """The runners that were shown its end."""

    @property
    def over(self) -> bool:
        return self.status not in RUNNING

    @property
    def may_run(self) -> bool:
        """It is on its way there, or carried out; what a reboot ended is not, whatever SSM still believes."""
        return not self.over and (self.work is None or not self.work.dead)


class Command:
    """What one SendCommand made; `sender` is the runner that called."""

    __slots__ = ("comment", "given_up", "id", "invocations", "parameters", "sender", "sent_at", "wait_for")

    def __init__(self, number: int, sender: str, sent_at: float, request: dict[str, Any]) -> None:
        self.id = f"command-{number}"
        self.sender, self.sent_at = sender, sent_at
        self.comment = str(request["Comment"])
        self.parameters: dict[str, list[str]] = request["Parameters"]
        self.wait_for = float(request["TimeoutSeconds"])
        self.invocations = {each: Invocation(each) for each in request["InstanceIds"]}
        self.given_up = False

    def of(self, name: str) -> str:
        return self.parameters[name][0]

    @property
    def generation(self) -> int:
        return int(self.of("Generation"))

    @property
    def changes(self) -> bool:
        """It changes what runs."""
        return self.of("Subcommand") in ("activate", "down")


class Ssm:
    """The service: every command ever sent, in order."""

    __slots__ = ("commands", "pending_changes", "world")

    def __init__(self, world: World) -> None:
        self.world = world
        self.commands: dict[str, Command] = {}
        self.pending_changes: dict[str, list[tuple[Command, Invocation]]] = {}
        """By instance: the activations sent to it."""

    def knows(self, host_id: str) -> bool:
        host = self.world.hosts.get(host_id)
        return host is not None and host.agent_from <= self.world.timeline.now

    def send(self, sender: str, request: dict[str, Any]) -> Command:
        command = Command(len(self.commands) + 1, sender, self.world.timeline.now, request)
        self.commands[command.id] = command
        for invocation in command.invocations.values():
            if command.changes:
                self.pending_changes.setdefault(invocation.host_id, []).append((command, invocation))
            self._deliver_later(command, invocation)
        if self.world.timeline.story is not None:
            self.world.timeline.tell(
                f"{sender} sends {command.id} ({command.comment}) to {' '.join(command.invocations)}"
            )
        return command

    def unfinished_change(self, host_id: str, since: float = 0.0) -> bool:
        """An activation sent since then may still come to this instance, or runs there, and would change something."""
        host = self.world.hosts.get(host_id)
        sent = self.pending_changes.get(host_id, ())
        pending = (command for command, each in sent if command.sent_at >= since and each.may_run)
        return any(host is None or host.would_change(each.generation, each.of("Version")) for each in pending)

    def _deliver_later(self, command: Command, invocation: Invocation) -> None:
        world, random = self.world, self.world.random
        delay = random.uniform(0.1, 0.6) * (10.0 if random.random() < world.troubles.slow_tail else 1.0)
        if random.random() < world.troubles.undelivered:
            world.timeline.after(command.wait_for, lambda: self._end(command, invocation, "DeliveryTimedOut"))
            if random.random() < 0.5:
                return
        world.timeline.after(delay, lambda: self._deliver(command, invocation))
        if command.changes and random.random() < world.troubles.duplicate:
            world.timeline.after(delay + random.uniform(0.5, 90.0), lambda: self._run_again(command, invocation))

    def _deliver(self, command: Command, invocation: Invocation) -> None:
        now = self.world.timeline.now
        host = self.world.hosts.get(invocation.host_id)
        if invocation.over or invocation.started:
            return
        if host is None or not host.alive:
            self.world.timeline.after(3.0, lambda: self._end(command, invocation, "Undeliverable"))
        elif not host.hears(now):
            if now - command.sent_at > command.wait_for:
                status = self.world.random.choice(("DeliveryTimedOut", "Undeliverable"))
                self._end(command, invocation, status)
            else:
                self.world.timeline.after(DELIVERY_TRIES_EVERY, lambda: self._deliver(command, invocation))
        else:
            self._start(command, invocation, host)

    def _start(self, command: Command, invocation: Invocation, host: Host) -> None:
        def done(output: str) -> None:
            succeeded = '"outcome": "activated"' in output or '"outcome": "unchanged"' in output
            invocation.output = output
            self._end(command, invocation, "Success" if succeeded else "Failed")

        invocation.started, invocation.status = True, "InProgress"
        invocation.work = self._work(command, host, "order", done)
        may_run = float(command.of("Timeout"))
        self.world.timeline.after(may_run, lambda: self._out_of_time(command, invocation, host))
        expiry = command.wait_for + may_run
        self.world.timeline.after(expiry, lambda: self._end(command, invocation, "DeliveryTimedOut"))
        invocation.work.begin()

    def _work(self, command: Command, host: Host, by: str, done: Any) -> Work:
        subcommand, version = command.of("Subcommand"), command.of("Version")
        return Work(self.world, host, subcommand, version, command.generation, by, done)

    def _run_again(self, command: Command, invocation: Invocation) -> None:
        """Delivered twice: a message queue promises at least once."""
        host = self.world.hosts.get(invocation.host_id)
        if host is not None and host.hears(self.world.timeline.now):
            self.world.timeline.tell(f"{host.id} gets {command.id} once more")
            self._work(command, host, "duplicate", lambda _output: None).begin()

    def _out_of_time(self, command: Command, invocation: Invocation, host: Host) -> None:
        work = invocation.work
        if work is not None and not work.dead and host.alive and not invocation.over:
            work.kill()
            invocation.output = half_printed(host)
            self._end(command, invocation, "ExecutionTimedOut")

    def _end(self, command: Command, invocation: Invocation, status: str) -> None:
        if invocation.over:
            return
        invocation.status = status
        self.world.timeline.after(self.world.random.uniform(0.0, 1.0), lambda: self._show(command, invocation))

    def _show(self, command: Command, invocation: Invocation) -> None:
        invocation.shown, invocation.shown_output = invocation.status, invocation.output
        if self.world.timeline.story is not None:
            last = invocation.output.rstrip().rpartition("\n")[2][:90]
            self.world.timeline.tell(f"{invocation.host_id} {command.id}: {invocation.status} {last}")

    def cancel(self, command: Command) -> None:
        """What was not delivered never will be; what runs may be killed, or not."""
        for invocation in command.invocations.values():
            if invocation.over:
                continue
            if invocation.work is not None and not invocation.work.dead:
                if self.world.random.random() < 0.3:
                    continue
                invocation.work.kill()
            self._end(command, invocation, "Cancelled")
