"""A fleet with a clock of its own: a rollout's ports over plain values, so that an hour passes in a millisecond.

Instances take `latency` seconds for everything they do. What each version does on which instance is set by the test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from deployer.core.errors import Refused
from deployer.core.fleet import Fleet, Instance, Traffic
from deployer.core.marker import Marker
from deployer.core.orders import Delivery, Order, Reply, Sent
from deployer.core.store import AlreadyThere, Changed, Stored


@dataclass
class Host:
    """One instance: what it runs, and whether it is in the load balancer."""

    version: str = "v1"
    generation: int = 0
    online: bool = True
    healthy: bool = True
    lifecycle: str = "InService"
    registered: bool = True
    zone_served: bool = True
    """The load balancer is enabled in its availability zone."""
    since: float = 0.0
    deaf: bool = False
    """Its agent counts as online, and no order reaches it."""


@dataclass
class World:
    """Clock, group, commands and store in one: everything advances when somebody waits."""

    name: str = "orange-prod"
    behind_load_balancer: bool = True
    latency: float = 2.0
    time: float = 1_000_000.0
    hosts: dict[str, Host] = field(default_factory=dict)
    broken: dict[str, set[str]] = field(default_factory=dict)
    """version → the instances it never gets healthy on; "*" for all."""
    unfetchable: dict[str, set[str]] = field(default_factory=dict)
    """version → the instances that cannot fetch it."""
    unready: dict[str, set[str]] = field(default_factory=dict)
    """version → the instances whose activation fails before it touches what runs."""
    outdated: set[str] = field(default_factory=set)
    """The instances whose release has newer parameters than it runs with."""
    refused: str = ""
    """What AWS says to every new order from now on."""
    objects: dict[str, Stored] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    suspended: set[str] = field(default_factory=set)
    alarms: dict[str, str] = field(default_factory=dict)
    stop: int | None = None
    lowest_serving: int = 10_000
    history: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    """Every order: subcommand, version, instances."""
    at_time: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    commands: dict[str, tuple[float, Order, tuple[str, ...]]] = field(default_factory=dict)

    # Clock

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += max(seconds, 0.01)
        due = [each for each in self.at_time if each[0] <= self.time]
        self.at_time = [each for each in self.at_time if each[0] > self.time]
        for _, happen in due:
            happen()

    def stop_requested(self) -> int | None:
        return self.stop

    # Group

    def observe(self) -> Fleet:
        instances = tuple(self._instance(each, host) for each, host in self.hosts.items())
        self.lowest_serving = min(self.lowest_serving, sum(each.serving for each in instances))
        return Fleet(instances, dict(self.alarms))

    def drain(self, ids: Iterable[str]) -> None:
        self._register(ids, False)

    def register(self, ids: Iterable[str]) -> None:
        self._register(ids, True)

    def suspend(self, processes: Iterable[str]) -> tuple[str, ...]:
        new = tuple(each for each in processes if each not in self.suspended)
        self.suspended |= set(new)
        return new

    def resume(self, processes: Iterable[str]) -> None:
        self.suspended -= set(processes)

    # Commands

    def send(self, ids: Iterable[str], order: Order) -> Iterator[Sent]:
        ids = tuple(ids)
        if self.refused:
            raise Refused(self.refused)
        self.history.append((order.subcommand, order.target.version, ids))
        command_id = f"command-{len(self.commands)}"
        self.commands[command_id] = (self.time, order, ids)
        yield Sent({command_id: ids})

    def replies(self, command_ids: Collection[str]) -> Iterator[tuple[str, tuple[Reply, ...]]]:
        for each in command_ids:
            yield each, self._replies(each)

    def _replies(self, command_id: str) -> tuple[Reply, ...]:
        sent_at, order, ids = self.commands[command_id]
        if self.time < sent_at + self.latency:
            return ()
        return tuple(self._answer(each, order) for each in ids if each in self.hosts)

    def cancel(self, command_id: str) -> None:
        self.commands[command_id] = (self.commands[command_id][0], self.commands[command_id][1], ())

    # Store

    def get(self, key: str) -> Stored | None:
        return self.objects.get(key)

    def create(self, key: str, body: bytes, tags: Mapping[str, str]) -> str:
        if key in self.objects:
            raise AlreadyThere(key)
        return self._put(key, body)

    def replace(self, key: str, body: bytes, etag: str) -> str:
        if key not in self.objects or self.objects[key].etag != etag:
            raise Changed(key)
        return self._put(key, body)

    def list(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(key for key in self.objects if key.startswith(prefix)))

    # Voice

    def say(self, line: str) -> None:
        self.lines.append(line)

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        self.lines.append(f"▸ {title}")
        yield

    def warning(self, title: str, message: str) -> None:
        self.lines.append(f"warning: {title}: {message}")

    # The test's hands

    def later(self, seconds: float, happen: Callable[[], None]) -> None:
        self.at_time.append((self.time + seconds, happen))

    def versions(self) -> dict[str, str]:
        return {each: host.version for each, host in self.hosts.items()}

    def activated(self, version: str) -> tuple[str, ...]:
        """The instances told to run `version`, in order, each once."""
        told = (each for verb, name, ids in self.history if verb == "activate" and name == version for each in ids)
        return tuple(dict.fromkeys(told))

    def _put(self, key: str, body: bytes) -> str:
        etag = hashlib.sha256(body).hexdigest()
        self.objects[key] = Stored(body, etag)
        return etag

    def _register(self, ids: Iterable[str], registered: bool) -> None:
        for each in ids:
            self.hosts[each].registered, self.hosts[each].since = registered, self.time

    def _instance(self, instance_id: str, host: Host) -> Instance:
        return Instance(instance_id, host.lifecycle, host.healthy, host.online, self._traffic(instance_id, host))

    def _traffic(self, instance_id: str, host: Host) -> Traffic:
        if not self.behind_load_balancer:
            return Traffic.NONE
        if self.time < host.since + self.latency:
            return Traffic.STARTING if host.registered else Traffic.DRAINING
        if not host.registered:
            return Traffic.OUT
        if not host.zone_served:
            return Traffic.NONE
        return Traffic.UNHEALTHY if self._is_broken(instance_id, host.version) else Traffic.HEALTHY

    def _is_broken(self, instance_id: str, version: str) -> bool:
        return bool({instance_id, "*"} & self.broken.get(version, set()))

    def _answer(self, instance_id: str, order: Order) -> Reply:
        host = self.hosts[instance_id]
        if not host.online or host.deaf:
            return Reply(instance_id, Delivery.UNREACHABLE, detail="SSM says Undeliverable")
        outcome, reason = "unchanged", ""
        if instance_id in self.unfetchable.get(order.target.version, ()):
            outcome, reason = "failed", "cannot be fetched"
        if order.subcommand == "prefetch" and instance_id in self.outdated and host.version == order.target.version:
            reason = "/orange/env has version 8, this runs 7"
        if order.subcommand in ("activate", "down"):
            outcome, reason = self._activate(instance_id, host, order)
        marker = Marker(outcome, host.version, host.generation, sha_of(host.version), reason)
        return Reply(instance_id, Delivery.ANSWERED, marker)

    def _activate(self, instance_id: str, host: Host, order: Order) -> tuple[str, str]:
        if order.target.generation < host.generation:
            return "fenced", "a newer generation was here"
        host.generation = order.target.generation
        if instance_id in self.unready.get(order.target.version, ()):
            return "failed", "parameters cannot be read"
        if self._is_broken(instance_id, order.target.version):
            return ("restored" if host.version else "failed"), "never healthy"
        outcome = "unchanged" if host.version == order.target.version else "activated"
        host.version = order.target.version
        return outcome, ""


def sha_of(version: str) -> str:
    """The manifest a version has in these tests; "" runs nothing and has none."""
    return hashlib.sha256(version.encode()).hexdigest() if version else ""
