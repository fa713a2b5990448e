"""The thirteen invariants, held against the truth: hosts, raw objects, raw commands, the trail of calls.

Nothing of scripts/deployer is used here. What a run could not know yet is not held against it: it is judged at the
moment it acts, by what the last answers said and by what it did since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.simulation.host import SECRET, Host
from tests.simulation.watch import Seen, Told, Watch, marker_in

if TYPE_CHECKING:
    from tests.simulation.bucket import Written
    from tests.simulation.runner import Runner
    from tests.simulation.ssm import Command, Invocation
    from tests.simulation.work import Work
    from tests.simulation.world import World

ASKED_FOR = 60.0
"""Seconds after which who does not say what it runs is unreachable, and no longer in flight."""
JUST_NOW = 25.0
"""Seconds after an order in which no run may have given up on it."""


@dataclass(frozen=True)
class Violation:
    """`invariant`: its number in the list; `at`: seconds since the epoch."""

    invariant: int
    at: float
    what: str


class Checker:
    """Watches a world; what it finds is in `violations`, in the order it was found."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.violations: list[Violation] = []
        self.watches: dict[str, Watch] = {}
        self.by_generation: dict[int, Watch] = {}
        self.ever_desired: set[str] = set()
        self.touched_ever: set[str] = set()
        self._lease: dict[str, Any] = {}
        self._asked_at: dict[str, float] = {}

    def violated(self, invariant: int, what: str) -> None:
        self.violations.append(Violation(invariant, self.world.timeline.now, what))
        self.world.timeline.tell(f"VIOLATION of {invariant}: {what}")

    def begins(self, runner: Runner) -> Watch:
        """A runner sets out."""
        watch = Watch(runner.name, runner.run.version, runner.run.policy)
        self.watches[runner.name] = watch
        return watch

    def _sets_out(self, watch: Watch) -> None:
        """It has the lease. If it must it goes back to what is desired now.

        Where a run of the same release died after it had promoted it, that is what was desired before.
        """
        desired = json.loads(self.world.bucket.raw("desired.json") or '{"version": "", "previous": null}')
        watch.before = desired["version"]
        watch.ways_back = {watch.before}
        again = watch.before == watch.version and any(each.died_with(watch.version) for each in self.watches.values())
        if desired["previous"] and again:
            watch.ways_back.add(desired["previous"]["version"])

    def ended(self, watch: Watch, result: str) -> None:
        watch.result, watch.finished = result, result != "crashed"
        watch.tidied |= watch.finished
        if result in ("succeeded", "rolled-back"):
            self.touched_ever.clear()

    # What a run is shown

    def saw(self, runner: Runner, instances: Iterable[Seen], alarms: Mapping[str, str]) -> None:
        watch = self.watches[runner.name]
        watch.looks(instances)
        watch.alarming = [name for name, state in alarms.items() if state != "OK"]
        self._fall_ill(watch)
        for each in tuple(watch.flight):
            if self._is_back(watch, each):
                del watch.flight[each]

    @staticmethod
    def _fall_ill(watch: Watch) -> None:
        """Who served after its proof and does not any more is no proof."""
        for each in tuple(watch.proven_at):
            _, serves, traffic = watch.seen.get(each, ("", False, ""))
            if serves:
                watch.served.add(each)
            elif traffic == "unhealthy" and each in watch.served:
                del watch.proven_at[each]

    def _is_back(self, watch: Watch, instance_id: str) -> bool:
        """It serves as far as the run is shown, left, failed as the run was told, or had all the time there is."""
        world, host = self.world, self.world.hosts.get(instance_id)
        now = world.timeline.now
        if host is None or not host.settled:
            watch.left.add(instance_id)
            return True
        if instance_id in watch.failed or instance_id in watch.unreached:
            return True
        if self._had_its_time(watch, instance_id):
            return True
        if instance_id in watch.ambiguous and 0.0 < self._asked_at.get(instance_id, now) < now - ASKED_FOR:
            return True
        if world.ssm.unfinished_change(instance_id) or host.attempt:
            return False
        if watch.takes_down or host.lifecycle != "InService":
            return True
        return watch.seen[instance_id][1] if world.balancer.there else world.balancer.answers(host)

    def _had_its_time(self, watch: Watch, instance_id: str) -> bool:
        """A run gives it up now; who was proven, and did not serve in that time, is no canary."""
        if self.world.timeline.now - watch.flight[instance_id] <= watch.policy.instance_timeout:
            return False
        if instance_id not in watch.served and watch.seen.get(instance_id, ("",))[0] == "InService":
            watch.proven_at.pop(instance_id, None)
        return True

    def told(self, runner: Runner, command: Command, invocation: Invocation) -> None:
        """The end of an order at one instance is shown to a run."""
        watch = self.watches[runner.name]
        if runner.name in invocation.told_to:
            return
        invocation.told_to.add(runner.name)
        marker = marker_in(invocation.shown_output)
        if marker is not None:
            watch.markers[invocation.host_id] = marker
        self._count(watch, command, invocation)

    def _count(self, watch: Watch, command: Command, invocation: Invocation) -> None:
        each, marker = invocation.host_id, marker_in(invocation.shown_output)
        if command.of("Subcommand") == "status":
            self._answers(watch, each, marker)
            return
        if command.generation != watch.generation:
            return
        wanted = ("unchanged",) if command.of("Subcommand") == "prefetch" else ("unchanged", "activated")
        if marker is not None and marker.outcome in wanted:
            watch.failed.discard(each)
            watch.unreached.discard(each)
            if command.changes:
                watch.proven_at.setdefault(each, self.world.timeline.now)
        elif invocation.shown in ("Undeliverable", "AccessDenied") and not self._late(watch, command):
            watch.unreached.add(each)
        elif invocation.shown in ("DeliveryTimedOut", "Cancelled"):
            watch.ambiguous.add(each)
        else:
            watch.failed.add(each)

    def _answers(self, watch: Watch, instance_id: str, marker: Told | None) -> None:
        """It says what it runs."""
        if marker is None:
            return
        watch.flight.pop(instance_id, None)
        if marker.version in watch.targets and marker.generation == watch.generation:
            watch.proven_at.setdefault(instance_id, self.world.timeline.now)

    def _late(self, watch: Watch, command: Command) -> bool:
        """The run had given up on the order when this came, and counted it as failed."""
        return self.world.timeline.now - command.sent_at > watch.policy.instance_timeout

    # What a run does

    def acts(self, runner: Runner, what: str) -> None:
        """Something is about to be changed: not by a run that another one has overtaken."""
        if self.watches[runner.name].overtaken:
            self.violated(10, f"{runner.name} {what} although another run has taken its lease over")

    def takes(self, runner: Runner, ids: Iterable[str], what: str) -> None:
        """Instances are about to go out of service."""
        self.acts(runner, what)
        watch = self.watches[runner.name]
        new = [each for each in ids if each not in watch.flight]
        if not new:
            return
        watch.acted = True
        watch.flight = {each: at for each, at in watch.flight.items() if not self._had_its_time(watch, each)}
        self._holds_window(watch, new, what)
        self._holds_limits(watch, new, what)
        watch.flight.update(dict.fromkeys(new, self.world.timeline.now))
        watch.touched.update(new)
        self.touched_ever.update(new)

    def _holds_window(self, watch: Watch, new: list[str], what: str) -> None:
        if watch.takes_down:
            return
        window = watch.window()
        watch.widest = max(watch.widest, window)
        out = watch.down() | watch.flight.keys() | self._hurt(watch)
        serving = [each for each in new if each not in out and watch.seen.get(each, ("",))[0] == "InService"]
        after = out.union(new)
        if serving and len(after) > window:
            self.violated(1, f"{watch.runner} {what} {serving}: {len(after)} of {watch.settled} out, allowed {window}")
        if len(watch.flight.keys() | set(new)) > window:
            flight = sorted(watch.flight)
            self.violated(2, f"{watch.runner} {what} {new} with {flight} in flight, window {window}")

    def _hurt(self, watch: Watch) -> set[str]:
        """Down by our doing, and told so, where no load balancer says it."""
        hosts = {} if self.world.balancer.there else self.world.hosts
        known = [hosts[each] for each in watch.failed & watch.touched if each in hosts]
        return {each.id for each in known if each.lifecycle == "InService" and not self.world.balancer.answers(each)}

    def _holds_limits(self, watch: Watch, new: list[str], what: str) -> None:
        if watch.goes_back:
            return
        self._holds_canary(watch, new, what)
        there = self._present(watch)
        failed, unreached = watch.failed & there, watch.unreached & there
        if len(failed) > watch.policy.failures:
            self.violated(3, f"{watch.runner} {what} {new} although {sorted(failed)} failed")
        if len(unreached) > watch.policy.unreachable:
            self.violated(13, f"{watch.runner} {what} {new} although {sorted(unreached)} cannot be reached")

    @staticmethod
    def _present(watch: Watch) -> set[str]:
        return {each for each, (lifecycle, _, _) in watch.seen.items() if not lifecycle.startswith("Terminat")}

    def _holds_canary(self, watch: Watch, new: list[str], what: str) -> None:
        """Beyond the canary nothing is taken until as many are proven, and were watched for as long as asked."""
        canary = min(watch.policy.canary, watch.settled)
        there = {each: at for each, at in watch.proven_at.items() if each in self._present(watch)}
        proven = sorted(there.values())
        if len(watch.flight.keys() | there.keys() | set(new)) <= canary:
            return
        if len(proven) < canary:
            self.violated(3, f"{watch.runner} {what} {new} beyond its canary of {canary}, {len(proven)} proven")
        elif canary and self.world.timeline.now < proven[canary - 1] + watch.policy.canary_bake:
            self.violated(3, f"{watch.runner} {what} {new} before its canary has baked")

    def sent(self, runner: Runner, command: Command) -> None:
        watch = self.watches[runner.name]
        if command.of("Subcommand") == "status":
            self._asked_at.update(dict.fromkeys(command.invocations, command.sent_at))
            return
        self._not_secret(f"{command.comment}{command.parameters}", "a command")
        if command.changes:
            self.takes(runner, command.invocations, "activates")
            self._sent_once(command)
        if command.generation != watch.generation:
            self.violated(7, f"{runner.name} sends generation {command.generation}, its lease has {watch.generation}")
        if command.changes and command.of("Version") not in watch.targets:
            self.violated(7, f"{runner.name} sends {command.of('Version')} under generation {watch.generation}")

    def _sent_once(self, command: Command) -> None:
        """Not while the same order may still run there: what did not answer is looked up first."""
        for each in command.invocations:
            for other, invocation in self.world.ssm.pending_changes.get(each, ()):
                same = other is not command and other.generation == command.generation
                asked = self._asked_at.get(each, 0.0) > other.sent_at
                if same and not other.given_up and not asked and self._runs(other, invocation):
                    self.violated(2, f"{each} gets {command.comment} twice: {other.id} is still under way")

    def _runs(self, command: Command, invocation: Invocation) -> bool:
        """It was begun just now, and is carried out at this moment."""
        work = invocation.work
        if invocation.over or work is None or work.dead:
            return False
        return self.world.timeline.now - command.sent_at < JUST_NOW

    def suspends(self, runner: Runner, processes: Iterable[str]) -> None:
        self.acts(runner, "suspends processes")
        record = self.world.bucket.raw(f"rollouts/{self.watches[runner.name].forward:010d}.json") or b""
        for each in processes:
            if f'"{each}"'.encode() not in record:
                self.violated(9, f"{runner.name} suspends {each}, and its record does not say so")

    def resumes(self, runner: Runner) -> None:
        self.acts(runner, "resumes processes")
        self.watches[runner.name].tidied = True

    # What is written

    def wrote(self, written: Written) -> None:
        self._not_secret(written.body.decode(), written.key)
        watch = self.watches.get(written.by)
        if written.key == "lease.json":
            self._wrote_lease(watch, written)
        elif written.key == "desired.json":
            self._wrote_desired(watch, written)

    def _wrote_lease(self, watch: Watch | None, written: Written) -> None:
        lease, last = written.document, self._lease
        self._lease = lease
        if last and lease["generation"] < last["generation"]:
            self.violated(7, f"{written.by} sets the generation back from {last['generation']}")
        if watch is None:
            return
        if not watch.lease_id and not lease["released"]:
            self._takes_lease(watch, written, last)
        elif last and last.get("id") != lease["id"]:
            self.violated(10, f"{written.by} overwrites the lease another run holds")
        if watch.generation and lease["generation"] > watch.generation:
            self._turns(watch)
        watch.generation = lease["generation"]
        self.by_generation[watch.generation] = watch

    def _takes_lease(self, watch: Watch, written: Written, last: dict[str, Any]) -> None:
        if last and not last["released"] and self._instant(last["expires_at"]) > written.at:
            self.violated(10, f"{written.by} takes a lease that is held until {last['expires_at']}")
        lease = written.document
        watch.lease_id, watch.forward, watch.leased_at = lease["id"], lease["generation"], written.at
        self._sets_out(watch)
        for other in self.watches.values():
            if other is not watch and other.lease_id and not other.finished:
                other.overtaken = other.tidied = True

    @staticmethod
    def _instant(text: str) -> float:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()

    def _turns(self, watch: Watch) -> None:
        """On the way back, out of service by the way there are those where an activation may still run."""
        for each in tuple(watch.flight):
            host = self.world.hosts.get(each)
            if not self.world.ssm.unfinished_change(each) and not (host and host.attempt):
                del watch.flight[each]

    def _wrote_desired(self, watch: Watch | None, written: Written) -> None:
        desired = written.document
        version = desired["version"]
        if watch is not None:
            if watch.overtaken:
                self.violated(10, f"{written.by} moves desired.json although it was overtaken")
            if version and version not in self.ever_desired:
                self._promoted_rightly(watch, version)
            watch.promoted |= not watch.goes_back
        if version:
            self.ever_desired.add(version)

    def _promoted_rightly(self, watch: Watch, version: str) -> None:
        """A release is desired for the first time: it runs wherever it was to be brought, but for what limits allow."""
        hosts = self.world.hosts
        there = [
            hosts[each] for each, (lifecycle, _, _) in watch.seen.items() if lifecycle == "InService" and each in hosts
        ]
        without = [each.id for each in there if each.alive and each.settled and each.version != version]
        allowed = watch.policy.failures + watch.policy.unreachable
        if len(without) > allowed:
            self.violated(8, f"{watch.runner} promotes {version}, which does not run on {without}")

    # What happens to instances

    def boots(self, host: Host, version: str) -> None:
        if version not in self.ever_desired and version not in (host.version, host.attempt):
            self.violated(8, f"{host.id} boots {version}, which was never promoted")

    def swaps(self, host: Host, work: Work) -> None:
        """An instance begins to run a release; on its own, after a boot, the one it ran before."""
        if work.by == "boot" and work.version == host.version:
            return
        if host.applied:
            generation, version, _ = host.applied[-1]
            if work.generation < generation or (work.generation == generation and work.version != version):
                self.violated(
                    7, f"{host.id} applies {work.version} at {work.generation} after {version} at {generation}"
                )
        watch = self.by_generation.get(work.generation)
        if watch is None or work.by != "order":
            return
        if work.version == watch.version:
            watch.attempted.add(host.id)
        if host.applied and host.applied[-1][2] == "duplicate":  # it is not where its answer said it was
            return
        if host.since > watch.flight.get(host.id, host.since):  # the group itself put it back, out of standby
            return
        serves = self.world.balancer.there and self.world.balancer.serves(host, self.world.timeline.now)
        if serves and watch.policy.drain and not watch.finished:
            self.violated(1, f"{host.id} changes to {work.version} while it takes requests")

    def marks(self, host: Host) -> None:
        """The group calls an instance unhealthy."""
        for watch in self.watches.values():
            if host.alive and host.id in watch.flight and not watch.tidied and watch.policy.drain:
                self.violated(9, f"the group gives {host.id} up while {watch.runner} has it out of service")

    def rebalances(self, host: Host) -> None:
        for watch in self.watches.values():
            if watch.flight and not watch.tidied and watch.policy.drain and self.world.balancer.there:
                self.violated(9, f"the group takes {host.id} for its balance while {watch.runner} is under way")

    def _not_secret(self, text: str, where: str) -> None:
        if SECRET in text:
            self.violated(11, f"a secret is in {where}")
