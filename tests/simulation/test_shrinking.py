"""Scenarios put together by Hypothesis, so that one that fails shrinks to the few things it takes."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulation.chance import EVENTS
from tests.simulation.play import play
from tests.simulation.scenario import Behaviour, Event, Plot, Policy, Run, Scenario, Start, Troubles

EXAMPLES = 120
SHARES = st.sampled_from((0.0, 0.0, 0.2, 1.0))
RATES = st.sampled_from((0.0, 0.0, 0.02, 0.1))

starts = st.builds(
    Start,
    size=st.integers(3, 12),
    balanced=st.booleans(),
    hooked=st.booleans(),
    first_ever=st.sampled_from((False, False, False, True)),
    sick=st.integers(0, 2),
    drifted=st.integers(0, 1),
    alarms=st.integers(0, 1),
)
policies = st.builds(
    Policy,
    canary=st.integers(0, 3),
    canary_bake=st.sampled_from((0, 15)),
    window=st.integers(1, 4),
    window_is_percent=st.just(False),
    failures=st.integers(0, 2),
    unreachable=st.integers(0, 2),
    bake=st.sampled_from((0, 20)),
    instance_timeout=st.sampled_from((60, 120)),
    auto_rollback=st.booleans(),
    drain=st.booleans(),
)
plots = st.none() | st.builds(
    Plot,
    what=st.sampled_from(("crash", "crash-after", "pause", "stop")),
    at_call=st.integers(1, 150),
    seconds=st.sampled_from((20.0, 150.0)),
)
behaviours = st.builds(Behaviour, never_healthy=SHARES, once_unhealthy=SHARES, unfetchable=SHARES, no_traffic=SHARES)
events = st.builds(
    Event,
    at=st.floats(0.0, 120.0),
    what=st.sampled_from(EVENTS),
    pick=st.integers(0, 11),
    seconds=st.sampled_from((5.0, 45.0, 400.0)),
)
troubles = st.builds(Troubles, throttled=RATES, lost_reply=RATES, conflict=RATES, duplicate=RATES, undelivered=RATES)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A rollout that something may befall, and, where it did, a second one."""
    policy, plot = draw(policies), draw(plots)
    runs = [Run("v2", policy, plot=plot)]
    if plot is not None:
        runs.append(Run(draw(st.sampled_from(("v2", "v1", "v3"))), policy, waits=5.0, patience=150.0))
    return Scenario(
        seed=draw(st.integers(0, 10_000)),
        start=draw(starts),
        behaviours={"v2": draw(behaviours)},
        events=tuple(draw(st.lists(events, max_size=4))),
        runs=tuple(runs),
        troubles=draw(troubles),
    )


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
@given(scenarios())
def test_whatever_is_put_together_no_invariant_is_violated(scenario: Scenario) -> None:
    assert not play(scenario).violations
