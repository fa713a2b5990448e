"""What a run writes into the bucket: its lease, the desired release, its record."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.simulation.findings import Findings
from tests.simulation.watch import Watch

if TYPE_CHECKING:
    from tests.simulation.bucket import Written
    from tests.simulation.world import World


class Writings:
    """Holds leases, generations and promotions against the raw documents."""

    def __init__(self, world: World, findings: Findings) -> None:
        self._world, self._findings = world, findings
        self._lease: dict[str, Any] = {}

    def wrote(self, written: Written) -> None:
        self._findings.keeps_secret(written.body.decode(), written.key)
        watch = self._findings.watches.get(written.by)
        if written.key == "lease.json":
            self._wrote_lease(watch, written)
        elif written.key == "desired.json":
            self._wrote_desired(watch, written)

    def _wrote_lease(self, watch: Watch | None, written: Written) -> None:
        lease, last = written.document, self._lease
        self._lease = lease
        if last and lease["generation"] < last["generation"]:
            self._findings.violated(7, f"{written.by} sets the generation back from {last['generation']}")
        if watch is None:
            return
        if lease["id"] != watch.lease_id and not lease["released"]:  # once more, where the first answer was lost
            self._takes_lease(watch, written, last)
        elif last and last.get("id") != lease["id"]:
            self._findings.violated(10, f"{written.by} overwrites the lease another run holds")
        if watch.generation and lease["generation"] > watch.generation:
            self._turns(watch)
        watch.generation = lease["generation"]
        self._findings.by_generation[watch.generation] = watch

    def _takes_lease(self, watch: Watch, written: Written, last: dict[str, Any]) -> None:
        if last and not last["released"] and self._instant(last["expires_at"]) > written.at:
            self._findings.violated(10, f"{written.by} takes a lease that is held until {last['expires_at']}")
        lease = written.document
        watch.overtaken, watch.generation = False, 0
        watch.lease_id, watch.forward, watch.leased_at = lease["id"], lease["generation"], written.at
        self._sets_out(watch)
        for other in self._findings.watches.values():
            if other is not watch and other.lease_id and not other.finished:
                other.overtaken = other.tidied = True

    @staticmethod
    def _instant(text: str) -> float:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()

    def _turns(self, watch: Watch) -> None:
        """On the way back, out of service by the way there are those where an activation may still run."""
        watch.turned_at = self._world.timeline.now
        watch.waiting.clear()
        for each in tuple(watch.flight):
            host = self._world.hosts.get(each)
            if not self._world.ssm.unfinished_change(each) and not (host and host.attempt):
                del watch.flight[each]

    def _wrote_desired(self, watch: Watch | None, written: Written) -> None:
        desired = written.document
        version = desired["version"]
        if watch is not None:
            if watch.overtaken:
                self._findings.violated(10, f"{written.by} moves desired.json although it was overtaken")
            if version and version not in self._findings.ever_desired:
                self._promoted_rightly(watch, version)
            watch.promoted |= not watch.goes_back
        if version:
            self._findings.ever_desired.add(version)

    def _promoted_rightly(self, watch: Watch, version: str) -> None:
        """A release is desired for the first time: it runs wherever it was to be brought, but for what limits allow."""
        hosts = self._world.hosts
        there = [
            hosts[each] for each, (lifecycle, _, _) in watch.seen.items() if lifecycle == "InService" and each in hosts
        ]
        without = [each.id for each in there if each.alive and each.settled and each.version != version]
        allowed = watch.policy.failures + watch.policy.unreachable
        if len(without) > allowed:
            self._findings.violated(8, f"{watch.runner} promotes {version}, which does not run on {without}")

    def _ended_well(self, watch: Watch) -> bool:
        """As far as its record says: the end of one whose record AWS would not write is known to nobody."""
        record = json.loads(self._world.bucket.raw(f"rollouts/{watch.forward:010d}.json") or b"{}")
        return record.get("result") in ("succeeded", "rolled-back", "failed")

    def _sets_out(self, watch: Watch) -> None:
        """It has the lease. If it must it goes back to what is desired now.

        Where a run of the same release died after it had promoted it, that is what was desired before.
        """
        desired = json.loads(self._world.bucket.raw("desired.json") or '{"version": "", "previous": null}')
        watch.before = desired["version"]
        watch.ways_back = {watch.before}
        again = watch.before == watch.version and any(
            each.version == watch.version and each.promoted and not self._ended_well(each)
            for each in self._findings.watches.values()
        )
        if desired["previous"] and again:
            watch.ways_back.add(desired["previous"]["version"])
