"""What a run is shown, and what it must make of it: who is out, back, proven, failed or unreachable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tests.simulation.findings import Findings
from tests.simulation.host import Host
from tests.simulation.watch import Seen, Told, Watch, marker_in

if TYPE_CHECKING:
    from tests.simulation.runner import Runner
    from tests.simulation.ssm import Command, Invocation
    from tests.simulation.world import World

LOOKS_UNTIL_IN = 5
"""Looks at the group by which an instance that is well again is in its target groups."""
ASKED_FOR = 60.0
"""Seconds after which who does not say what it runs is unreachable, and no longer in flight."""


class Shown:
    """Takes in observations and answers on their way to a run."""

    def __init__(self, world: World, findings: Findings) -> None:
        self._world, self._findings = world, findings

    def saw(self, runner: Runner, instances: Iterable[Seen], alarms: Mapping[str, str]) -> None:
        watch = self._findings.watches[runner.name]
        watch.looks(instances, self._world.timeline.now)
        watch.unreached |= watch.unknown
        watch.unknown.clear()
        watch.alarming = [name for name, state in alarms.items() if state != "OK"]
        self._fall_ill(watch)
        for each in tuple(watch.flight):
            if self._is_back(watch, each):
                del watch.flight[each]
        if not watch.goes_back and len(watch.failed) <= watch.policy.failures:  # else it is about to turn back
            self._lets_back_in(watch)

    def _lets_back_in(self, watch: Watch) -> None:
        """9: who said that it runs the previous release again takes requests again, not only at the end.

        Who left and came back begins anew, and is judged at the end.
        """
        for each in (watch.failed & watch.touched).difference(watch.left):
            told = watch.markers.get(each)
            restored = told is not None and bool(watch.before) and told.version == watch.before
            if restored and watch.seen.get(each, ("", False, ""))[::2] == ("InService", "out"):
                watch.looks_out[each] = watch.looks_out.get(each, 0) + 1
                if watch.looks_out[each] == LOOKS_UNTIL_IN:
                    self._findings.violated(9, f"{each} is well, and still out of the load balancer")
            else:
                watch.looks_out.pop(each, None)

    @staticmethod
    def _fall_ill(watch: Watch) -> None:
        """Who served after its proof and does not any more is no proof, nor who left, even if it comes back."""
        for each in tuple(watch.proven_at):
            lifecycle, serves, traffic = watch.seen.get(each, ("", False, ""))
            if not lifecycle:
                del watch.proven_at[each]
                watch.served.discard(each)
            elif serves or lifecycle == "Standby":
                watch.served.add(each)
            elif traffic == "unhealthy" and each in watch.served:
                del watch.proven_at[each]
                watch.served.discard(each)

    def _is_back(self, watch: Watch, instance_id: str) -> bool:
        """It serves as far as the run is shown, left, failed as the run was told, or had all the time there is."""
        world, host = self._world, self._world.hosts.get(instance_id)
        now = world.timeline.now
        if host is None or not host.settled or instance_id not in watch.seen:
            return True
        if instance_id in watch.failed or instance_id in watch.unreached:
            return True
        if watch.turned_at is not None and instance_id in watch.offline and watch.flight[instance_id] < watch.turned_at:
            return True  # going back, who cannot be told anything keeps nobody from coming back
        if self._findings.had_its_time(watch, instance_id):
            return True
        if instance_id in watch.ambiguous and 0.0 < self._findings.asked_at.get(instance_id, now) < now - ASKED_FOR:
            return True
        if instance_id in watch.waiting and host.lifecycle != "InService":
            return False  # on standby it is told all the same
        came_back = watch.left.get(instance_id, 0.0)  # what it was told before it left changes nothing more
        return not world.ssm.unfinished_change(instance_id, came_back) and self._is_up(watch, host)

    def _is_up(self, watch: Watch, host: Host) -> bool:
        balancer = self._world.balancer
        if host.struck and not balancer.there:
            return True
        if host.attempt and not host.doubled:
            return False
        if watch.takes_down or host.lifecycle != "InService":
            return True
        return watch.serves(host.id) if balancer.there else balancer.answers(host)

    def unknown(self, runner: Runner, instance_id: str) -> None:
        """An order for this instance alone is refused: SSM does not know it."""
        self._findings.watches[runner.name].unknown.add(instance_id)

    def told(self, runner: Runner, command: Command, invocation: Invocation) -> None:
        """The end of an order at one instance is shown to a run."""
        watch = self._findings.watches[runner.name]
        if runner.name in invocation.told_to or watch.left_since(invocation.host_id, command.sent_at):
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
            self._went_well(watch, command, each)
        elif invocation.shown in ("DeliveryTimedOut", "Cancelled") or self._late(watch, command):
            watch.ambiguous.add(each)
        elif invocation.shown in ("Undeliverable", "AccessDenied"):
            watch.unreached.add(each)
        elif not watch.seen.get(each, ("Terminated",))[0].startswith("Terminat"):  # whom it does not see left before
            watch.failed.add(each)

    def _went_well(self, watch: Watch, command: Command, instance_id: str) -> None:
        watch.failed.discard(instance_id)
        watch.unreached.discard(instance_id)
        if command.changes:
            watch.proven_at.setdefault(instance_id, self._world.timeline.now)
        elif not self._late(watch, command):
            watch.fetched.add(instance_id)

    def _answers(self, watch: Watch, instance_id: str, marker: Told | None) -> None:
        """It says what it runs, or cannot be asked: either way the doubt is over."""
        watch.flight.pop(instance_id, None)
        if marker is None:
            return
        if marker.version in watch.targets and marker.generation == watch.generation and not marker.reason:
            watch.proven_at.setdefault(instance_id, self._world.timeline.now)

    def _late(self, watch: Watch, command: Command) -> bool:
        """The run may have given up on the order when this came, and counted it as failed before."""
        return self._world.timeline.now - command.sent_at > watch.policy.instance_timeout
