"""Plays a scenario: builds the group, lets its runs happen, and has everything checked."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from deployer.aws.run_command import RunCommand
from deployer.core.errors import BadInput, DeployError, Interrupted, LeaseHeld
from deployer.core.plan import Limits
from deployer.core.quantities import Seconds, Share
from deployer.core.release import ReleaseRef
from deployer.rollout.rollout import Wish, roll_out
from deployer.rollout.rollout import World as Ports
from tests.simulation.bucket import PREFIX, StoreOfRunner
from tests.simulation.endings import Ending, Judge
from tests.simulation.findings import Violation
from tests.simulation.host import Host, sha_of
from tests.simulation.runner import GroupOfRunner, Runner
from tests.simulation.scenario import Policy, Run, Scenario
from tests.simulation.ssm_client import SsmClient
from tests.simulation.timeline import Crash
from tests.simulation.world import World

MOST_RUNS = 6
OLD_GENERATION = 3
LEFT_OVER = 90.0
"""Seconds after a success until the last newborn has booted."""


@dataclass(frozen=True)
class Played:
    """What came of a scenario; `happened` counts what is worth knowing about how little or much it tests."""

    scenario: Scenario
    violations: tuple[Violation, ...]
    endings: tuple[Ending, ...]
    happened: Counter[str]


def play(scenario: Scenario, story: list[str] | None = None) -> Played:
    return Player(scenario, story).play()


class Player:
    """Plays one scenario, once."""

    def __init__(self, scenario: Scenario, story: list[str] | None) -> None:
        self.scenario = scenario
        self.world = World(scenario, story)
        self.endings: list[Ending] = []
        self._begun = 0
        self._build()

    def play(self) -> Played:
        for run in self.scenario.runs:
            self.world.timeline.go_on(run.waits)
            ending = self._run(run)
            if ending.result in ("refused", "lease-held") and self._begun < MOST_RUNS:
                self.world.timeline.go_on(200.0)
                self._run(run)
        if self.endings[-1].result == "succeeded":
            self._nobody_is_left_behind()
        return Played(
            self.scenario, tuple(self.world.checker.findings.violations), tuple(self.endings), self._happened()
        )

    def _build(self) -> None:
        start, world, now = self.scenario.start, self.world, self.world.timeline.now
        version = "" if start.first_ever else "v1"
        for at in range(start.size):
            host = Host(f"i-{at}", now - 1000.0)
            drifted = at < start.drifted and bool(version)
            host.rests_on("v0" if drifted else version, OLD_GENERATION - drifted if version else 0, now)
            host.registered = True
            world.hosts[host.id] = host
        ids = list(world.hosts.values())
        for host in ids[: start.sick]:
            host.sick_until = float("inf")
            host.settle(now - 500.0)
            host.ok, host.changed_at = False, now - 500.0
        for host in ids[: start.marked]:
            host.healthy_mark = False
        for host in ids[start.sick : start.sick + start.silent]:
            host.deaf_until, host.counts_as_online = now + 100_000.0, False
        for host in ids[len(ids) - start.standby :]:
            host.lifecycle, host.registered = "Standby", False
        world.scaling.suspended.update(start.operator_suspended)
        if version:
            self._put_documents(version)
        for _ in range(start.pending):
            world.scaling.launch()

    def _put_documents(self, version: str) -> None:
        desired = {
            "schema": 1,
            "generation": OLD_GENERATION,
            "version": version,
            "manifest_sha256": sha_of(version),
            "previous": {"version": "v0", "manifest_sha256": sha_of("v0")},
            "updated_at": "2026-01-01T00:00:00Z",
            "updated_by": "an earlier run",
        }
        lease = {
            "schema": 1,
            "generation": OLD_GENERATION,
            "owner": "an earlier run",
            "run_url": "",
            "expires_at": "2026-01-01T00:00:00Z",
            "released": True,
            "id": "",
        }
        self.world.bucket.put("before", f"{PREFIX}desired.json", json.dumps(desired).encode())
        self.world.bucket.put("before", f"{PREFIX}lease.json", json.dumps(lease).encode())

    def _run(self, run: Run) -> Ending:
        self._begun += 1
        runner = Runner(self.world, f"run-{self._begun}", run, self._run)
        watch = self.world.checker.begins(runner)
        self.world.timeline.tell(f"{runner.name} begins: {run}")
        ending = self._roll_out(runner, run)
        self.world.timeline.tell(f"{runner.name} ends: {ending.result} {ending.reason}")
        Judge(self.world, runner, watch, ending).judge()
        self.world.checker.ended(watch, ending.result)
        self.endings.append(ending)
        return ending

    def _roll_out(self, runner: Runner, run: Run) -> Ending:
        commands = RunCommand(SsmClient(runner), "deploy", "orange", "releases", "orange-prod", now=runner.now)
        ports = Ports(GroupOfRunner(runner), commands, StoreOfRunner(runner), runner, runner)
        try:
            rolled = roll_out(_wish(run, runner.name), ports)
        except Crash:
            return Ending("crashed", "")
        except LeaseHeld as error:
            return Ending("lease-held", str(error))
        except Interrupted as error:
            return Ending("stopped-before", str(error))
        except BadInput as error:
            return Ending("refused", str(error))
        except DeployError as error:
            return Ending("refused", str(error))
        except Exception as error:
            return Ending("error", repr(error))
        return Ending(rolled.ending.result.value, rolled.ending.reason)

    def _nobody_is_left_behind(self) -> None:
        """5, a while later: whoever was launched before the end has booted by now, and runs the target as well.

        Not whom a person put into the group again after the last look.
        """
        seen = self.world.checker.findings.watches[f"run-{self._begun}"].seen
        known = (each for each in self.world.hosts.values() if each.id in seen or not each.attached)
        there = tuple(each for each in known if each.lifecycle != "Detached")
        self.world.timeline.go_on(LEFT_OVER)
        version = json.loads(self.world.bucket.raw("desired.json") or "{}")["version"]
        for host in there:
            if host.alive and host.lifecycle == "InService" and host.up and host.version != version:
                self.world.checker.findings.violated(5, f"{host.id} runs {host.version} long after {version} succeeded")

    def _happened(self) -> Counter[str]:
        happened = Counter(each.result for each in self.endings)
        happened["newborns"] = self.world.scaling.launched
        happened["commands"] = len(self.world.ssm.commands)
        happened["instances"] = self.scenario.start.size
        happened["turned back"] = sum(each.goes_back for each in self.world.checker.findings.watches.values())
        happened["overtaken"] = sum(each.overtaken for each in self.world.checker.findings.watches.values())
        return happened


def _wish(run: Run, owner: str) -> Wish:
    policy = run.policy
    return Wish(
        app="orange",
        release=ReleaseRef(run.version, sha_of(run.version)),
        limits=_limits(policy),
        drain=policy.drain,
        auto_rollback=policy.auto_rollback,
        patience=run.patience,
        owner=owner,
        run_url="",
        policy={"canary": policy.canary},
    )


def _limits(policy: Policy) -> Limits:
    return Limits(
        canary=policy.canary,
        canary_bake=Seconds(policy.canary_bake),
        window=Share(policy.window, policy.window_is_percent),
        failures=policy.failures,
        unreachable=policy.unreachable,
        bake=Seconds(policy.bake),
        instance_timeout=Seconds(policy.instance_timeout),
        timeout=Seconds(policy.timeout),
    )
