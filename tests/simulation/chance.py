"""One integer → one scenario. Most are small and have one thing wrong; some have everything."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from tests.simulation.scenario import Behaviour, Event, Plot, Policy, Run, Scenario, Start, Troubles

EVENTS = (
    "scale-out",
    "scale-in",
    "rebalance",
    "spot",
    "dies",
    "reboots",
    "standby",
    "detached",
    "overlooked",
    "sick",
    "silent",
    "deaf",
    "alarm",
    "no-data",
)

ERODING_EVERY = 40
"""One scenario in so many is one in which failed instances leave the group."""

CALM_EVERY = 50
"""One scenario in so many has nothing wrong: the group grows and shrinks, and some looks at it miss an instance."""

CROWDED_EVERY = 250
"""One scenario in so many is one in which an order becomes two commands, while calls are refused."""

OPERATIONS = (
    "PutObject lease.json",
    "PutObject desired.json",
    "PutObject rollouts",
    "SendCommand",
    "DeregisterTargets",
    "RegisterTargets",
    "SuspendProcesses",
    "ResumeProcesses",
    "ListCommand",
    "CancelCommand",
)
"""Calls that a crash, a pause or a signal meets more often than chance would have it."""


def scenario_of(seed: int) -> Scenario:
    """The scenario of a seed; nothing but the seed decides it."""
    chance = Chance(random.Random(seed))  # noqa: S311 - the same chance every time
    start = chance.start()
    scenario = Scenario(
        seed=seed,
        start=start,
        behaviours={"v2": chance.behaviour(), "v3": chance.behaviour()},
        events=chance.events(),
        runs=chance.runs(start),
        troubles=chance.troubles(),
    )
    if seed % CROWDED_EVERY == CROWDED_EVERY - 1:
        return _crowded(scenario)
    if seed % CALM_EVERY == CALM_EVERY - 1:
        return _calm(scenario)
    return _eroding(scenario) if seed % ERODING_EVERY == 0 else scenario


def _calm(scenario: Scenario) -> Scenario:
    """The same with a good release and nothing refused, lost or ill; instances come and go, or are not described."""
    start = replace(scenario.start, size=min(scenario.start.size, 12), sick=0, silent=0, alarms=0, first_ever=False)
    policy = Policy(canary_bake=15, bake=90, timeout=1800, drain=scenario.runs[0].policy.drain)
    changes = ("scale-out", "overlooked", "scale-out", "scale-in", "overlooked")
    return replace(
        scenario,
        start=start,
        behaviours={"v2": Behaviour(), "v3": Behaviour()},
        events=tuple(Event(at=40.0 * each, what=changes[each % 5], pick=each) for each in range(40)),
        runs=(Run("v2", policy),),
        troubles=Troubles(),
        must_succeed=True,
    )


def _crowded(scenario: Scenario) -> Scenario:
    """The same with more instances than one command takes, a good release, and every tenth call refused."""
    start = replace(scenario.start, size=60, sick=0, drifted=0, silent=0, first_ever=False)
    run = replace(scenario.runs[0], version="v2", plot=None)
    throttled = replace(scenario.troubles, throttled=0.1, storm_seconds=0.0)
    return replace(
        scenario, start=start, behaviours={"v2": Behaviour(), "v3": Behaviour()}, runs=(run,), troubles=throttled
    )


def _eroding(scenario: Scenario) -> Scenario:
    """The same with releases that fail everywhere, in a group that loses its first instances: who failed leaves."""
    broken = replace(scenario.behaviours["v2"], never_healthy=1.0, once_unhealthy=0.0, unfetchable=0.0, slow=0.0)
    run = scenario.runs[0]
    policy = replace(run.policy, failures=1, unreachable=1, canary=1, canary_bake=0)
    return replace(
        scenario,
        start=replace(scenario.start, sick=0, drifted=0, standby=0, silent=0, first_ever=False),
        behaviours={"v2": broken, "v3": broken},
        events=tuple(Event(at=20.0 + 10.0 * each, what="spot", pick=0, seconds=5.0) for each in range(8)),
        runs=(replace(run, version="v2", plot=None, policy=policy),),
    )


class Chance:
    """Draws the parts of a scenario."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def _often(self, share: float) -> bool:
        return self._source.random() < share

    def start(self) -> Start:
        source = self._source
        size = min(60, 3 + int(source.expovariate(0.16)))
        few = max(1, size // 4)
        return Start(
            size=size,
            balanced=self._often(0.75),
            hooked=self._often(0.6),
            first_ever=self._often(0.08),
            sick=source.randint(1, few) if self._often(0.12) else 0,
            marked=source.randint(1, few) if self._often(0.08) else 0,
            drifted=source.randint(1, few) if self._often(0.08) else 0,
            standby=1 if self._often(0.08) else 0,
            silent=source.randint(1, 2) if self._often(0.08) else 0,
            pending=source.randint(1, 2) if self._often(0.08) else 0,
            alarms=source.randint(1, 2) if self._often(0.3) else 0,
            operator_suspended=source.choice((("AZRebalance",), ("HealthCheck", "ReplaceUnhealthy"), ("Launch",)))
            if self._often(0.06)
            else (),
        )

    def behaviour(self) -> Behaviour:
        source = self._source
        if self._often(0.5):
            return Behaviour()
        share: float = source.choice((1.0, 1.0, 0.5, 0.2, 0.1))
        kinds = ("never_healthy", "never_healthy", "once_unhealthy", "unfetchable", "no_traffic", "sickens", "slow")
        kind = source.choice((*kinds, "alarming"))
        stuck = source.choice((0.3, 1.0)) if self._often(0.15) else 0.0
        if kind == "alarming":
            return Behaviour(alarming=True)
        some: dict[str, Any] = {kind: share}
        return Behaviour(stuck_after=stuck, **some)

    def policy(self, start: Start) -> Policy:
        source = self._source
        percent = self._often(0.6)
        window = source.choice((10, 25, 33, 33, 34, 50, 100)) if percent else source.randint(1, max(1, start.size // 3))
        if not percent:
            window = max(window, start.size // 12)
        instance_timeout = source.choice((60, 90, 120, 300))
        return Policy(
            canary=source.choice((0, 1, 1, 1, 2, min(3, start.size - start.standby))),
            canary_bake=source.choice((0, 0, 0, 15, 60)),
            window=window,
            window_is_percent=percent,
            failures=source.choice((0, 0, 0, 1, 2)),
            unreachable=max(source.choice((0, 0, 1, 2)), start.silent if self._often(0.9) else 0),
            bake=source.choice((0, 0, 0, 20, 90)),
            instance_timeout=instance_timeout,
            timeout=source.choice((600, 900, 1800, 3600)) + instance_timeout,
            auto_rollback=self._often(0.92),
            drain=self._often(0.9),
        )

    def runs(self, start: Start) -> tuple[Run, ...]:
        source = self._source
        version = source.choice(("v2", "v2", "v2", "v2", "v2", "v1")) if not start.first_ever else "v2"
        first = Run(version, self.policy(start), plot=self._plot(start))
        runs = [first]
        plot = first.plot
        while plot is not None and plot.what in ("crash", "crash-after", "stop", "second"):
            again = first.version if self._often(0.6) else source.choice(("v1", "v2", "v3"))
            plot = self._plot(start) if self._often(0.2) else None
            policy = first.policy if self._often(0.6) else self.policy(start)
            runs.append(Run(again, policy, waits=source.choice((0.0, 30.0, 130.0, 600.0)), patience=150.0, plot=plot))
        if self._often(0.1):
            runs.append(Run(source.choice(("v1", "v2", "v3")), self.policy(start), waits=5.0, patience=150.0))
        return tuple(runs[:4])

    def _plot(self, start: Start) -> Plot | None:
        source = self._source
        if not self._often(0.45):
            return None
        at_call = int(2 ** source.uniform(0.0, 8.5))
        what = source.choice(("crash", "crash", "crash-after", "crash-after", "stop", "pause", "second"))
        on = source.choice(OPERATIONS) if self._often(0.4) else ""
        at_call = at_call if not on else 1 + at_call // 4
        if what == "pause":
            return Plot(what, at_call, seconds=source.choice((20.0, 100.0, 150.0, 400.0)), on=on)
        if what != "second":
            return Plot(what, at_call, on=on)
        other = self._plot(start) if self._often(0.3) else None
        if other is not None and other.what == "second":
            other = None
        patience = source.choice((0.0, 60.0, 200.0, 200.0, 200.0))
        second = Run(source.choice(("v1", "v2", "v3")), self.policy(start), patience=patience, plot=other)
        return Plot(what, at_call, seconds=source.choice((0.0, 10.0, 100.0)), second=second, on=on)

    def events(self) -> tuple[Event, ...]:
        source = self._source
        count = source.choice((0, 0, 0, 1, 1, 2, 3, 5)) if self._often(0.8) else 10
        return tuple(
            Event(
                at=source.uniform(0.0, 200.0),
                what=source.choice(EVENTS),
                pick=source.randrange(60),
                seconds=source.choice((5.0, 20.0, 45.0, 90.0, 400.0)),
            )
            for _ in range(count)
        )

    def troubles(self) -> Troubles:
        source = self._source
        nothing = self._often(0.5)

        def rate(*some: float) -> float:
            return 0.0 if nothing or not self._often(0.4) else source.choice(some)

        return Troubles(
            throttled=rate(0.005, 0.02, 0.1),
            lost_reply=rate(0.01, 0.05, 0.2),
            conflict=rate(0.01, 0.05),
            duplicate=rate(0.05, 0.3),
            undelivered=rate(0.02, 0.1),
            slow_tail=rate(0.03, 0.1),
            storm_at=source.uniform(2.0, 120.0),
            storm_seconds=rate(20.0, 50.0, 90.0),
            storm_on=source.choice(("ssm", "s3", "autoscaling")),
            latency=source.choice((0.02, 0.05, 0.1)),
            fetch=source.uniform(0.5, 6.0),
            swap=source.uniform(1.0, 12.0),
            drain=source.choice((1.0, 5.0, 10.0)),
            join=source.choice((2.0, 5.0, 10.0)),
        )
