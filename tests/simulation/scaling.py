"""What the Auto Scaling group does by itself, and what befalls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.host import Host
from tests.simulation.scenario import Event
from tests.simulation.work import Work

if TYPE_CHECKING:
    from tests.simulation.world import World

SWEEP = 10.0
"""Seconds between two looks of the group at its instances' health."""
GRACE = 60.0
MOST_LAUNCHES = 40
"""Of one scenario: a release that no instance can boot would be launched for ever."""


class Scaling:
    """The group: its processes, launches and terminations."""

    __slots__ = ("_events", "launched", "suspended", "world")

    def __init__(self, world: World) -> None:
        self.world = world
        self.suspended: set[str] = set()
        self.launched = 0
        self._events: dict[str, Callable[[Event], None]] = {
            "scale-out": self._scale_out,
            "scale-in": self._scale_in,
            "rebalance": self._rebalance,
            "spot": lambda event: self.terminate(self._picked(event), replaced=True),
            "dies": lambda event: self._dies(self._picked(event)),
            "reboots": lambda event: self._reboots(self._picked(event)),
            "standby": self._standby,
            "detached": self._detached,
            "overlooked": self._overlooked,
            "sick": self._sick,
            "silent": self._silent,
            "deaf": self._deaf,
            "alarm": lambda event: self.world.alarms.force(event.pick, "ALARM", event.seconds),
            "no-data": lambda event: self.world.alarms.force(event.pick, "INSUFFICIENT_DATA", event.seconds),
        }

    def happen(self, event: Event) -> None:
        self.world.timeline.tell(f"event: {event.what} pick {event.pick} {event.seconds:.0f} s")
        self._events[event.what](event)

    def begin(self) -> None:
        self.world.timeline.after(SWEEP, self._sweep)

    def _sweep(self) -> None:
        world, now = self.world, self.world.timeline.now
        for host in tuple(world.hosts.values()):
            if host.lifecycle != "InService":
                continue
            if host.healthy_mark and "HealthCheck" not in self.suspended and self._fails(host, now):
                host.healthy_mark = False
                world.checker.marks(host)
            if not host.healthy_mark and "ReplaceUnhealthy" not in self.suspended:
                self.terminate(host, replaced=True)
        world.timeline.after(SWEEP, self._sweep)

    def _fails(self, host: Host, now: float) -> bool:
        if not host.alive:
            return True
        if now < host.since + GRACE:
            return False
        return self.world.balancer.state(host, now) in ("unhealthy", "out", "draining")

    def _picked(self, event: Event) -> Host | None:
        there = [each for each in self.world.hosts.values() if each.lifecycle == "InService"]
        return there[event.pick % len(there)] if there else None

    def launch(self) -> None:
        """A newborn: it boots what is desired, and goes into service."""
        if self.launched >= MOST_LAUNCHES or "Launch" in self.suspended:
            return
        self.launched += 1
        world, random = self.world, self.world.random
        host = Host(f"i-{1000 + self.launched}", world.timeline.now)
        host.lifecycle = "Pending"
        host.agent_from = world.timeline.now + random.choice((2.0, 5.0, 10.0, 40.0))
        world.hosts[host.id] = host
        world.timeline.tell(f"{host.id} is launched")
        world.timeline.after(random.uniform(1.0, 8.0), lambda: self.boot(host))
        if not world.hooked:
            world.timeline.after(random.uniform(3.0, 15.0), lambda: self._enters_service(host))

    def boot(self, host: Host) -> None:
        """The boot unit of an instance that has just been started."""
        if host.alive:
            Work(self.world, host, "boot", "", 0, "boot", lambda output: self._booted(host, output)).begin()

    def _booted(self, host: Host, output: str) -> None:
        self.world.timeline.tell(f"{host.id} booted: {host.version or 'nothing'} (generation {host.generation})")
        if host.lifecycle != "Pending" or not self.world.hooked:
            return
        if '"outcome": "activated"' in output or '"outcome": "unchanged"' in output:
            self._enters_service(host)
        else:
            self.terminate(host, replaced=True)

    def _enters_service(self, host: Host) -> None:
        if host.alive and host.lifecycle == "Pending":
            host.enters("InService", self.world.timeline.now)
            host.moves(True, self.world.timeline.now)
            self.world.timeline.tell(f"{host.id} is in service")

    def terminate(self, host: Host | None, replaced: bool) -> None:
        if host is None or host.lifecycle.startswith("Terminat"):
            return
        world = self.world
        world.timeline.tell(f"{host.id} is terminated")
        host.enters("Terminating", world.timeline.now)
        host.moves(False, world.timeline.now)
        world.timeline.after(world.random.uniform(2.0, 20.0), lambda: self._gone(host))
        if replaced:
            world.timeline.after(world.random.uniform(1.0, 15.0), self.launch)

    def _gone(self, host: Host) -> None:
        self._dies(host)
        self.world.hosts.pop(host.id, None)

    def _dies(self, host: Host | None) -> None:
        if host is not None and host.alive:
            self._stops(host)
            host.alive = False
            host.settle(self.world.timeline.now)

    def _stops(self, host: Host) -> None:
        """Everything that runs there ends, in the middle of whatever it does."""
        for work in (host.lock, *host.queue):
            if work is not None:
                work.dead = True
        host.lock = None
        host.queue.clear()
        host.up, host.struck = "", True
        host.settle(self.world.timeline.now)

    def _reboots(self, host: Host | None) -> None:
        if host is None or not host.alive:
            return
        self._stops(host)
        host.deaf_until = max(host.deaf_until, self.world.timeline.now + 15.0)
        self.world.timeline.after(self.world.random.uniform(5.0, 15.0), lambda: self.boot(host))

    def _scale_out(self, event: Event) -> None:
        for _ in range(1 + event.pick % 4):
            self.launch()

    def _scale_in(self, event: Event) -> None:
        there = [each for each in self.world.hosts.values() if each.lifecycle == "InService"]
        for host in there[: min(1 + event.pick % 3, len(there) - 2)]:
            self.terminate(host, replaced=False)

    def _rebalance(self, event: Event) -> None:
        """Whenever the group may, from now on for a while: it would take one instance after the other."""
        if "AZRebalance" not in self.suspended:
            host = self._picked(event)
            if host is not None:
                self.world.checker.rebalances(host)
                self.terminate(host, replaced=True)

    def _standby(self, event: Event) -> None:
        host, now = self._picked(event), self.world.timeline.now
        if host is not None and host.alive:
            host.enters("Standby", now)
            host.moves(False, now)
            self.world.timeline.after(event.seconds, lambda: self._leaves_standby(host))

    def _leaves_standby(self, host: Host) -> None:
        if host.alive and host.lifecycle == "Standby":
            host.enters("InService", self.world.timeline.now)
            host.moves(True, self.world.timeline.now)

    def _detached(self, event: Event) -> None:
        """A person takes it out of the group, to look at it, and attaches it again."""
        host, now = self._picked(event), self.world.timeline.now
        if host is not None and host.alive:
            host.enters("Detached", now)
            host.moves(False, now)
            self.world.timeline.after(event.seconds, lambda: self._attached(host))

    def _attached(self, host: Host) -> None:
        if host.alive and host.lifecycle == "Detached":
            host.attached = True
            host.enters("Pending", self.world.timeline.now)
            self.world.timeline.after(5.0, lambda: self._enters_service(host))

    def _overlooked(self, event: Event) -> None:
        """The next description of the group lags behind, and does not have it."""
        host = self._picked(event)
        if host is not None:
            host.overlooked = True

    def _sick(self, event: Event) -> None:
        host, now = self._picked(event), self.world.timeline.now
        if host is not None:
            host.sick_until = now + event.seconds
            host.settle(now)
            self.world.timeline.at(host.sick_until + 0.001, lambda: self._well(host))

    def _well(self, host: Host) -> None:
        if host.sick_until <= self.world.timeline.now:
            host.sick_until = 0.0
        host.settle(self.world.timeline.now)

    def _silent(self, event: Event) -> None:
        self._deaf(event, counts_as_online=False)

    def _deaf(self, event: Event, counts_as_online: bool = True) -> None:
        host = self._picked(event)
        if host is not None:
            host.deaf_until = self.world.timeline.now + event.seconds
            host.counts_as_online = counts_as_online
