"""One run of the loader on an instance: what docs/contracts.md says it does, with the time it takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.host import SECRET, Host

if TYPE_CHECKING:
    from tests.simulation.world import World

FOREVER = 100_000.0
LOCK_PATIENCE = 300.0


class Work:
    """A subcommand under way. `by`: order, duplicate or boot; `done` gets all it printed, unless it was killed."""

    __slots__ = ("by", "dead", "done", "generation", "host", "subcommand", "swapping", "version", "world")

    def __init__(
        self,
        world: World,
        host: Host,
        subcommand: str,
        version: str,
        generation: int,
        by: str,
        done: Callable[[str], None],
    ) -> None:
        self.world, self.host = world, host
        self.subcommand, self.version, self.generation = subcommand, version, generation
        self.by, self.done = by, done
        self.dead = self.swapping = False

    def begin(self) -> None:
        if self.subcommand == "boot" and not self._takes_desired():
            return
        if self.subcommand == "status":
            self._then(self.world.random.uniform(0.2, 0.8), self._tells)
        elif self.host.lock is None:
            self.host.lock = self
            self._locked()
        else:
            self.host.queue.append(self)
            self._then(LOCK_PATIENCE, self._waited_too_long)

    def _tells(self) -> None:
        """What it runs, and what is wrong with that."""
        host = self.host
        reason = "" if host.up == host.version and host.sick_until == 0.0 else "container web is unhealthy"
        if host.attempt:
            reason = f"the activation of {host.attempt} has not ended"
        elif not host.version:
            reason = "nothing runs here"
        self._finish("unchanged", reason)

    def kill(self) -> None:
        """SIGKILL. What it had the engine start may get up all the same."""
        held = self.host.lock is self
        self.dead = True
        if held and self.swapping:
            version, host = self.version, self.host
            self.world.timeline.after(self.world.random.uniform(0.0, 5.0), lambda: self._gets_up(host, version))
        self._unlock()

    def _gets_up(self, host: Host, version: str) -> None:
        well = not self.world.releases.hits(version, "never_healthy", host.id)
        if host.alive and host.lock is None and host.attempt == version and not host.up and well:
            host.up, host.struck = version, False
            host.settle(self.world.timeline.now)

    def _takes_desired(self) -> bool:
        """What is desired is what to activate, unless this instance has followed a newer generation already."""
        desired = json.loads(self.world.bucket.raw("desired.json") or '{"generation": 0, "version": ""}')
        self.subcommand, self.version, self.generation = "activate", desired["version"], desired["generation"]
        if self.host.generation > self.generation:
            self.version, self.generation = self.host.version or self.host.attempt, self.host.generation
        if not self.version:
            self._finish("unchanged", "no desired release")
            return False
        self.world.checker.boots(self.host, self.version)
        return True

    def _locked(self) -> None:
        host = self.host
        if self.generation < host.generation:
            self._finish("fenced", f"generation {self.generation} is older than {host.generation}")
        elif self.subcommand == "prefetch":
            self._fetch(lambda: self._finish("unchanged"))
        elif self.subcommand == "down":
            self._then(self._lasts(1.0), self._taken_down)
        else:
            host.generation = self.generation
            if host.version == self.version and not host.attempt and host.up == host.version and host.sick_until == 0.0:
                self._then(self._lasts(0.5), lambda: self._finish("unchanged"))
            else:
                self._fetch(self._swap)

    def _fetch(self, then: Callable[[], None]) -> None:
        if self.world.releases.hits(self.version, "unfetchable", self.host.id):
            self._then(1.0, lambda: self._finish("failed", f"image of {self.version} cannot be pulled"))
        elif self.version in self.host.fetched:
            self._then(0.3, then)
        else:
            self._then(self._lasts(self.world.troubles.fetch), lambda: self._fetched(then))

    def _fetched(self, then: Callable[[], None]) -> None:
        self.host.fetched.add(self.version)
        then()

    def _swap(self) -> None:
        host, now = self.host, self.world.timeline.now
        self.world.checker.swaps(host, self)
        host.attempt, host.up, self.swapping = self.version, "", True
        if self.by != "boot" or self.version != host.version:
            host.applied.append((self.generation, self.version, self.by))
        host.settle(now)
        slow = self.world.releases.hits(self.version, "slow", host.id)
        self._then(FOREVER if slow else self._lasts(self.world.troubles.swap), self._swapped)

    def _swapped(self) -> None:
        host, releases = self.host, self.world.releases
        once = releases.hits(self.version, "once_unhealthy", host.id) and self.version not in host.tried
        host.tried.add(self.version)
        if once or releases.hits(self.version, "never_healthy", host.id):
            self._put_back()
            return
        if host.version != self.version:
            host.previous = host.version
        host.version, host.attempt = self.version, ""
        host.fetched = {host.version, host.previous} - {""}
        self._runs(self.version)
        self._finish("activated")

    def _put_back(self) -> None:
        reason = f"{self.version} is not healthy: it said PASSWORD=***"
        if self.host.version in ("", self.version):
            self.host.attempt = ""
            self._finish("failed", reason)
        else:
            self._then(self._lasts(self.world.troubles.swap), lambda: self._put_back_done(reason))

    def _put_back_done(self, reason: str) -> None:
        host = self.host
        if self.world.releases.hits(self.version, "stuck_after", host.id):
            self._finish("failed", f"{host.version} could not be put back after {reason}")
            return
        host.attempt = ""
        self._runs(host.version)
        self._finish("restored", reason)

    def _taken_down(self) -> None:
        host = self.host
        had_any = bool(host.version or host.attempt)
        host.version = host.previous = host.attempt = host.up = ""
        host.generation = self.generation
        host.settle(self.world.timeline.now)
        self._finish("activated" if had_any else "unchanged")

    def _runs(self, version: str) -> None:
        host, releases, timeline = self.host, self.world.releases, self.world.timeline
        host.up, host.sick_until, host.struck = version, 0.0, False
        host.no_traffic = releases.hits(version, "no_traffic", host.id)
        host.settle(timeline.now)
        if releases.hits(version, "sickens", host.id):
            timeline.after(self.world.random.uniform(3.0, 60.0), lambda: self._sickens(version))

    def _sickens(self, version: str) -> None:
        if self.host.up == version:
            self.host.sick_until = float("inf")
            self.host.settle(self.world.timeline.now)

    def _waited_too_long(self) -> None:
        if self in self.host.queue:
            self._finish("failed", "another command has held this instance's lock for 300 s")

    def _finish(self, outcome: str, reason: str = "") -> None:
        output = f"from {self.host.previous} to {self.version}, PASSWORD={SECRET}\n"
        if self.world.random.random() < 0.02:  # more than a listing shows
            output += "x" * 2600 + "\n"
        output += self.host.marker(outcome, reason) + "\n"
        self.dead = True
        self._unlock()
        self.done(output)

    def _unlock(self) -> None:
        host = self.host
        if self in host.queue:
            host.queue.remove(self)
        if host.lock is not self:
            return
        host.lock = host.queue.popleft() if host.queue else None
        if host.lock is not None:
            self.world.timeline.after(0.0, host.lock._resume)

    def _resume(self) -> None:
        if not self.dead and self.host.alive:
            self._locked()

    def _then(self, seconds: float, go_on: Callable[[], None]) -> None:
        self.world.timeline.after(seconds, lambda: None if self.dead or not self.host.alive else go_on())

    def _lasts(self, seconds: float) -> float:
        random = self.world.random
        tail = random.uniform(3.0, 8.0) if random.random() < self.world.troubles.slow_tail else 1.0
        return seconds * random.uniform(0.8, 1.25) * tail
