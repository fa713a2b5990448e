"""What a run does: whom it takes out of service, what it sends, what it suspends; each judged at that moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.simulation.findings import Findings
from tests.simulation.watch import Watch

if TYPE_CHECKING:
    from tests.simulation.runner import Runner
    from tests.simulation.ssm import Command, Invocation
    from tests.simulation.world import World

JUST_NOW = 25.0
"""Seconds after an order in which no run may have given up on it."""


class Taken:
    """Holds window, limits, canary and order against what a run is about to do."""

    def __init__(self, world: World, findings: Findings) -> None:
        self._world, self._findings = world, findings

    def acts(self, runner: Runner, what: str) -> None:
        """Something is about to be changed: not by a run that another one has overtaken."""
        if self._findings.watches[runner.name].overtaken:
            self._findings.violated(10, f"{runner.name} {what} although another run has taken its lease over")

    def takes(self, runner: Runner, ids: Iterable[str], what: str) -> None:
        """Instances are about to go out of service."""
        self.acts(runner, what)
        watch = self._findings.watches[runner.name]
        new = [each for each in ids if each not in watch.flight]
        if not new:
            return
        watch.acted = True
        watch.flight = {each: at for each, at in watch.flight.items() if not self._findings.had_its_time(watch, each)}
        self._holds_window(watch, new, what)
        self._holds_limits(watch, new, what)
        watch.flight.update(dict.fromkeys(new, self._world.timeline.now))
        watch.touched.update(new)
        watch.waiting.update(new)
        self._findings.touched_ever.update(new)

    def _holds_window(self, watch: Watch, new: list[str], what: str) -> None:
        if watch.takes_down:
            return
        window = watch.window()
        watch.widest = max(watch.widest, window)
        out = watch.down() | watch.flight.keys() | self._hurt(watch)
        known = set(new).difference(out, watch.stopped)
        serving = sorted(each for each in known if watch.seen.get(each, ("",))[0] == "InService")
        after = out.union(new)
        if serving and len(after) > window:
            self._findings.violated(
                1, f"{watch.runner} {what} {serving}: {len(after)} of {watch.settled} out, allowed {window}"
            )
        if len(watch.flight.keys() | set(new)) > window:
            flight = sorted(watch.flight)
            self._findings.violated(2, f"{watch.runner} {what} {new} with {flight} in flight, window {window}")

    def _hurt(self, watch: Watch) -> set[str]:
        """Down by our doing, and told so, where no load balancer says it; of those whom it is shown."""
        hosts = {} if self._world.balancer.there else self._world.hosts
        down = ((watch.failed & watch.touched) | watch.stopped) & watch.seen.keys()
        known = [hosts[each] for each in down if each in hosts and not hosts[each].doubled]
        ours = (each for each in known if each.lifecycle == "InService" and not each.struck)
        return {each.id for each in ours if not self._world.balancer.answers(each)}

    def _holds_limits(self, watch: Watch, new: list[str], what: str) -> None:
        if watch.goes_back:
            return
        self._holds_canary(watch, new, what)
        there = self._present(watch)
        failed, unreached = watch.failed, watch.unreached & there  # who failed and was replaced has failed all the same
        if len(failed) > watch.policy.failures:
            self._findings.violated(3, f"{watch.runner} {what} {new} although {sorted(failed)} failed")
        if len(unreached) > watch.policy.unreachable:
            self._findings.violated(13, f"{watch.runner} {what} {new} although {sorted(unreached)} cannot be reached")

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
            self._findings.violated(
                3, f"{watch.runner} {what} {new} beyond its canary of {canary}, {len(proven)} proven"
            )
        elif canary and self._world.timeline.now < proven[canary - 1] + watch.policy.canary_bake:
            self._findings.violated(3, f"{watch.runner} {what} {new} before its canary has baked")

    def sent(self, runner: Runner, command: Command) -> None:
        watch = self._findings.watches[runner.name]
        if command.of("Subcommand") == "status":
            self._findings.asked_at.update(dict.fromkeys(command.invocations, command.sent_at))
            return
        self._findings.keeps_secret(f"{command.comment}{command.parameters}", "a command")
        if command.of("Subcommand") == "prefetch":  # whoever failed starts over, for the second and last time
            watch.failed.difference_update(command.invocations)
            watch.fetched.difference_update(command.invocations)
        if command.changes:
            self.takes(runner, command.invocations, "activates")
            watch.waiting.difference_update(command.invocations)
            self._sent_once(watch, command)
        if command.generation != watch.generation:
            self._findings.violated(
                7, f"{runner.name} sends generation {command.generation}, its lease has {watch.generation}"
            )
        if command.changes and command.of("Version") not in watch.targets:
            self._findings.violated(
                7, f"{runner.name} sends {command.of('Version')} under generation {watch.generation}"
            )

    def _sent_once(self, watch: Watch, command: Command) -> None:
        """Not while the same order may still run there: what did not answer is looked up first.

        Who left meanwhile and came back is told anew, whatever it was told before.
        """
        for each in command.invocations:
            for other, invocation in self._world.ssm.pending_changes.get(each, ()):
                same = other is not command and other.generation == command.generation
                same = same and not watch.left_since(each, other.sent_at)
                asked = self._findings.asked_at.get(each, 0.0) > other.sent_at
                if same and not other.given_up and not asked and self._runs(other, invocation):
                    self._findings.violated(2, f"{each} gets {command.comment} twice: {other.id} is still under way")

    def _runs(self, command: Command, invocation: Invocation) -> bool:
        """It was begun just now, and is carried out at this moment."""
        work = invocation.work
        if invocation.over or work is None or work.dead:
            return False
        return self._world.timeline.now - command.sent_at < JUST_NOW

    def registers(self, runner: Runner, ids: Iterable[str]) -> None:
        """Instances are about to be put into the load balancer: nobody whom the group holds back, as on standby."""
        self.acts(runner, "registers")
        seen = self._findings.watches[runner.name].seen
        for each in ids:
            lifecycle = seen.get(each, ("",))[0]
            if lifecycle != "InService":
                self._findings.violated(9, f"{runner.name} registers {each}, which is {lifecycle or 'not there'}")

    def suspends(self, runner: Runner, processes: Iterable[str]) -> None:
        self.acts(runner, "suspends processes")
        record = self._world.bucket.raw(f"rollouts/{self._findings.watches[runner.name].forward:010d}.json") or b""
        for each in processes:
            if f'"{each}"'.encode() not in record:
                self._findings.violated(9, f"{runner.name} suspends {each}, and its record does not say so")

    def resumes(self, runner: Runner) -> None:
        self.acts(runner, "resumes processes")
        self._findings.watches[runner.name].tidied = True
