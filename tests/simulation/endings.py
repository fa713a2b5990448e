"""What must be true when a run ends: each kind of ending against the hosts, the bucket and what was said."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulation.host import SECRET, Host
from tests.simulation.watch import Told, Watch

if TYPE_CHECKING:
    from tests.simulation.runner import Runner
    from tests.simulation.world import World

SLACK = 15.0
"""Seconds beyond the deadline in which a last look is taken and things are put in order."""
REFUSAL_PATIENCE = 75.0
"""Seconds more where calls are refused."""
STOPS_WITHIN = 7.0
OWN_GUARD = "which is a defect of this tool"
"""What a rollout says that stopped itself before a wrong step: a decision was wrong, even if nobody was hurt."""


@dataclass(frozen=True)
class Ending:
    """How a run ended. `result`: of the rollout, or refused, lease-held, error, crashed; `reason`: what it said."""

    result: str
    reason: str


class Judge:
    """Judges one ended run."""

    def __init__(self, world: World, runner: Runner, watch: Watch, ending: Ending) -> None:
        self.world, self.runner, self.watch, self.ending = world, runner, watch, ending
        self.now = world.timeline.now
        self.record: dict[str, Any] = json.loads(world.bucket.raw(f"rollouts/{watch.forward:010d}.json") or b"{}")

    @property
    def troubled(self) -> bool:
        """Calls are refused in this scenario, so not everything can be put in order in time."""
        troubles = self.world.troubles
        return bool(troubles.throttled or troubles.lost_reply or troubles.storm_seconds)

    def judge(self) -> None:
        self._no_secrets()
        if self.ending.result == "error":
            self._violated(0, f"the run fell over: {self.ending.reason}")
        if self.watch.leased_at is None or not self.record or self.ending.result == "crashed":
            return
        if self.watch.overtaken or (self.ending.result == "refused" and not self.watch.acted):
            return
        if self.ending.result == "lease-held":
            self._violated(10, f"{self.watch.runner} gave its lease up, and nobody had taken it: {self.ending.reason}")
        if OWN_GUARD in self.ending.reason:
            self._violated(0, f"its own second look had to stop it: {self.ending.reason}")
        self._in_time()
        self._tidy()
        self._touched_few()
        self._listened()
        emptied = not self._there()  # the group was scaled in until nobody was left to prove anything
        if self.world.scenario.must_succeed and self.ending.result != "succeeded" and not emptied:
            self._violated(5, f"nothing was wrong, and it ended {self.ending.result}: {self.ending.reason}")
        judges = {
            "succeeded": self._succeeded,
            "rolled-back": self._rolled_back,
            "failed": self._failed,
            "could-not-restore": self._could_not_restore,
            "interrupted": self._interrupted,
            "refused": self._could_not_restore,
        }
        judges.get(self.ending.result, lambda: None)()

    def _violated(self, invariant: int, what: str) -> None:
        self.world.checker.findings.violated(invariant, what)

    # Who is there

    def _there(self) -> list[Host]:
        """In service, as far as the run was shown, and still so."""
        hosts, seen = self.world.hosts, self.watch.seen
        known = (hosts[each] for each, (lifecycle, _, _) in seen.items() if lifecycle == "InService" and each in hosts)
        return [each for each in known if each.alive and each.lifecycle == "InService"]

    def _touched_there(self) -> list[Host]:
        """Whom this run, or one before it that did not end well, took out or told to change."""
        return [each for each in self._there() if each.id in self.world.checker.findings.touched_ever]

    # The endings

    def _succeeded(self) -> None:
        """5, and with it 13: every one runs the target, and said so in this run."""
        watch = self.watch
        for host in self._there():
            if not _runs(host, watch.version) or host.generation != watch.generation:
                self._violated(5, f"{host.id} runs {host.version} of generation {host.generation}")
            told = watch.markers.get(host.id, Told("nothing", "", 0))
            if told.outcome not in ("activated", "unchanged") or told.version != watch.version:
                self._violated(5, f"{host.id} was never heard to run {watch.version}: {told}")
            elif told.generation != watch.generation:
                self._violated(5, f"{host.id} said so in generation {told.generation}, not {watch.generation}")
            if watch.seen[host.id][2] in ("unhealthy", "out", "draining"):
                self._violated(5, f"{host.id} is {watch.seen[host.id][2]} for the load balancer")
        if watch.alarming:
            self._violated(5, f"it succeeded while {watch.alarming} were not OK")
        desired = self._desired()
        if (desired["version"], desired["generation"]) != (watch.version, watch.generation):
            self._violated(5, f"desired is {desired['version']} of generation {desired['generation']}")

    def _rolled_back(self) -> None:
        watch, desired = self.watch, self._desired()
        if desired["generation"] != watch.generation:
            self._violated(
                6, f"desired.json is of generation {desired['generation']}, the way back of {watch.generation}"
            )
        for host in self._touched_there():
            if not self._restored(host):
                self._violated(6, f"{host.id} runs {host.version or 'nothing'}, and is not named")

    def _failed(self) -> None:
        """Nothing is left half-done: nothing was changed, or a group's first release is taken down again."""
        for host in self._touched_there():
            if not _runs(host, self.watch.before):
                self._violated(6, f"failed and nothing left half-done, but {host.id} runs {host.version}")

    def _could_not_restore(self) -> None:
        self._named(self._touched_there(), self.ending.reason)

    def _interrupted(self) -> None:
        self._named(self._touched_there(), " ".join(self.record["instances"]))

    def _named(self, touched: list[Host], text: str) -> None:
        for host in touched:
            if not self._restored(host) and host.id not in text:
                self._violated(6, f"{host.id} runs {host.version or 'nothing'}, and is not named in: {text[:200]}")

    def _restored(self, host: Host) -> bool:
        told = self.watch.markers.get(host.id)
        previous = self._desired()["version"] if self.watch.goes_back else self.watch.before
        if not _runs(host, previous):
            return False
        return host.id not in self.watch.touched or (told is not None and told.version == host.version)

    def _desired(self) -> dict[str, Any]:
        desired: dict[str, Any] = json.loads(self.world.bucket.raw("desired.json") or '{"generation":0,"version":""}')
        return desired

    # Time, tidiness, secrets

    def _in_time(self) -> None:
        began = self.watch.leased_at or 0.0
        allowed = self.watch.policy.timeout + SLACK + (REFUSAL_PATIENCE if self.troubled else 0.0)
        if self.now - began > allowed + self.runner.stood_still:
            self._violated(4, f"it took {self.now - began:.0f} s, and its deadline is {self.watch.policy.timeout} s")

        if self.runner.stopped_at is not None and self.now - self.runner.stopped_at > STOPS_WITHIN:
            self._violated(4, f"it stopped {self.now - self.runner.stopped_at:.1f} s after it was asked to")

    def _touched_few(self) -> None:
        """3: of a release that gets healthy nowhere, only the canary and as many more as may fail."""
        watch, policy = self.watch, self.watch.policy
        if self.world.releases.of(watch.version).never_healthy < 1.0:
            return
        first = policy.canary or watch.widest
        there = {host.id for host in self.world.hosts.values() if host.settled}
        unheard = watch.attempted - watch.failed - there  # they left before they were heard
        allowed = first + policy.failures + len(watch.ambiguous | watch.unreached | watch.left.keys() | unheard)
        if len(watch.attempted) > allowed:
            self._violated(3, f"{sorted(watch.attempted)} were to run a broken release, allowed are {allowed}")

    def _listened(self) -> None:
        """2: an answer that was shown in time is not missed, whatever was refused beside it."""
        for each in sorted(self.watch.fetched):
            if f"{each}: still prefetching" in self.ending.reason:
                self._violated(2, f"{each} is given up for an answer that was shown in time")

    def _tidy(self) -> None:
        """9: nothing of ours stays suspended, nobody stays out but who is named."""
        left = self.world.scaling.suspended - set(self.world.scenario.start.operator_suspended)
        in_record = set(self.record.get("suspended", ()))
        refused = self.troubled and left <= in_record  # AWS would not resume them; a person and the next run know
        if self.ending.result in ("succeeded", "rolled-back") and left and not refused:
            self._violated(9, f"{sorted(left)} stay suspended")
        if left - in_record:
            self._violated(9, f"{sorted(left - in_record)} stay suspended, and the record does not say so")
        if not self.world.balancer.there:
            return
        for host in self._there():
            if not host.registered and not self._may_stay_out(host):
                self._violated(9, f"{host.id} stays out of the load balancer")

    def _may_stay_out(self, host: Host) -> bool:
        """Who is lost, and not known to run the release it should: it is named."""
        if self.ending.result in ("succeeded", "rolled-back"):
            return False
        told = self.watch.markers.get(host.id)
        known = told is not None and told.version == self.watch.before and host.id in self.watch.failed
        in_flight = self.ending.result == "interrupted" and host.id in self.watch.flight
        if (known or in_flight) and not self.troubled:
            return False
        return host.id in " ".join((self.ending.reason, *self.record.get("instances", ())))

    def _no_secrets(self) -> None:
        if any(SECRET in each for each in (*self.runner.lines, self.ending.reason)):
            self._violated(11, "a secret is in the log")


def _runs(host: Host, version: str) -> bool:
    """It does, or starts just that once more, as after a reboot."""
    return host.version == version and host.attempt in ("", version)
