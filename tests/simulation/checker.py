"""The thirteen invariants, held against the truth: hosts, raw objects, raw commands, the trail of calls.

Nothing of scripts/deployer is used here. What a run could not know yet is not held against it: it is judged at the
moment it acts, by what the last answers said and by what it did since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.findings import Findings
from tests.simulation.host import Host
from tests.simulation.shown import Shown
from tests.simulation.taken import Taken
from tests.simulation.watch import Watch
from tests.simulation.writings import Writings

if TYPE_CHECKING:
    from tests.simulation.runner import Runner
    from tests.simulation.work import Work
    from tests.simulation.world import World


class Checker:
    """Watches a world. Its parts are told of everything between a run and the world; the rest is told here."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.findings = Findings(world.timeline)
        self.shown = Shown(world, self.findings)
        self.taken = Taken(world, self.findings)
        self.writings = Writings(world, self.findings)

    def begins(self, runner: Runner) -> Watch:
        """A runner sets out."""
        watch = Watch(runner.name, runner.run.version, runner.run.policy)
        self.findings.watches[runner.name] = watch
        return watch

    def ended(self, watch: Watch, result: str) -> None:
        watch.result, watch.finished = result, result != "crashed"
        watch.tidied |= watch.finished
        if result in ("succeeded", "rolled-back"):
            self.findings.touched_ever.clear()

    def boots(self, host: Host, version: str) -> None:
        if version not in self.findings.ever_desired and version not in (host.version, host.attempt):
            self.findings.violated(8, f"{host.id} boots {version}, which was never promoted")

    def swaps(self, host: Host, work: Work) -> None:
        """An instance begins to run a release; on its own, after a boot, the one it ran before."""
        if work.by == "boot" and work.version == host.version:
            return
        if host.applied:
            generation, version, _ = host.applied[-1]
            if work.generation < generation or (work.generation == generation and work.version != version):
                self.findings.violated(
                    7, f"{host.id} applies {work.version} at {work.generation} after {version} at {generation}"
                )
        watch = self.findings.by_generation.get(work.generation)
        if watch is not None and work.by == "order":
            if work.version == watch.version:
                watch.attempted.add(host.id)
            self._takes_no_requests(watch, host, work.version)

    def _takes_no_requests(self, watch: Watch, host: Host, version: str) -> None:
        """Nobody is cut off, where the run knows what the instance runs and whether it is in the load balancer."""
        balancer, now = self._world.balancer, self._world.timeline.now
        put_back_by_group = host.since > watch.flight.get(host.id, host.since)  # it came out of standby
        if host.doubled or put_back_by_group or not watch.policy.drain or watch.finished:
            return
        if balancer.there and balancer.serves(host, now):
            self.findings.violated(1, f"{host.id} changes to {version} while it takes requests")

    def marks(self, host: Host) -> None:
        """The group calls an instance unhealthy."""
        for watch in self.findings.watches.values():
            if host.alive and host.id in watch.flight and not watch.tidied and watch.policy.drain:
                self.findings.violated(9, f"the group gives {host.id} up while {watch.runner} has it out of service")

    def rebalances(self, host: Host) -> None:
        for watch in self.findings.watches.values():
            if watch.flight and not watch.tidied and watch.policy.drain and self._world.balancer.there:
                self.findings.violated(
                    9, f"the group takes {host.id} for its balance while {watch.runner} is under way"
                )
