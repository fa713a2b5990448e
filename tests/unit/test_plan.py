"""What a rollout would do: rehearsed by the decisions of a real one, and told in its order."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.commands.plan import lines
from deployer.core.fleet import Fleet, Instance, Traffic
from deployer.core.plan import Limits, Plan, Target
from deployer.core.quantities import Seconds, Share, parse_share
from deployer.rollout.rehearsal import Kind, Move, rehearse
from tests.unit.rolling import fleet_of, roll, wish


def group_of(size: int, traffic: Traffic = Traffic.HEALTHY, **special: Instance) -> Fleet:
    """Instances i_0, i_1, … in service, but for those given."""
    usual = {f"i_{at}": Instance(f"i_{at}", "InService", traffic=traffic) for at in range(size)}
    return Fleet(tuple({**usual, **special}.values()))


def plan_of(fleet: Fleet, after_crash: bool = False, **limits: Any) -> Plan:
    target = Target("v2", "0" * 64, 2)
    drain = fleet.behind_load_balancer
    return Plan(target, None, Limits(**limits), drain, True, started_at=0.0, after_crash=after_crash)


def moves_of(fleet: Fleet, **limits: Any) -> tuple[Move, ...]:
    return rehearse(plan_of(fleet, **limits), fleet)


def told(fleet: Fleet, **limits: Any) -> list[str]:
    plan = plan_of(fleet, **limits)
    return list(lines(plan, fleet, rehearse(plan, fleet)))


def test_the_moves_come_in_the_order_of_a_rollout() -> None:
    said = told(group_of(4), canary_bake=Seconds(60), window=Share(2), bake=Seconds(300))
    change = "leave the load balancer, change, join it again"
    assert said == [
        "prefetch: i_0, i_1, i_2, i_3",
        f"canary: i_0: {change}",
        "canary: watched for 60 s",
        f"window: i_1, i_2: {change}",
        f"window: i_3: {change}",
        "promote: v2 is the desired release, and new instances boot it",
        "bake: watched for 300 s",
        "end: succeeded",
    ]


def takes(moves: tuple[Move, ...]) -> list[tuple[str, ...]]:
    return [each.ids for each in moves if each.kind is Kind.TAKE]


@pytest.mark.parametrize("window", ["1", "33%", "5", "100%"])
@pytest.mark.parametrize("canary", [0, 1, 3])
@pytest.mark.parametrize("size", [3, 6, 11])
def test_the_rehearsal_takes_instances_as_the_rollout_then_does(size: int, canary: int, window: str) -> None:
    world = fleet_of(size)
    world.hosts["i-2"].healthy = False
    limits: dict[str, Any] = {"canary": canary, "window": parse_share(window)}
    rehearsed = [set(ids) for ids in takes(moves_of(world.observe(), **limits))]
    world.later(5, lambda: setattr(world.hosts["i-2"], "healthy", True))
    roll(world, wish(**limits))
    taken = [set(ids) for verb, _, ids in world.history if verb == "activate"]
    assert rehearsed == taken


def test_no_more_than_the_window_is_taken_at_once() -> None:
    assert [len(ids) for ids in takes(moves_of(group_of(10), window=Share(4)))] == [1, 4, 4, 1]


def test_who_does_not_serve_goes_first_and_is_said_to() -> None:
    sick = Instance("i_2", "InService", healthy=False, traffic=Traffic.UNHEALTHY)
    fleet = group_of(4, i_2=sick)
    assert takes(moves_of(fleet))[0] == ("i_2",)
    assert any(each.startswith("canary: i_2 (does not serve now, marked unhealthy)") for each in told(fleet))


def test_an_instance_on_standby_gets_the_release_last_and_no_requests() -> None:
    fleet = group_of(3, i_1=Instance("i_1", "Standby", traffic=Traffic.OUT))
    assert takes(moves_of(fleet)) == [("i_0",), ("i_2",), ("i_1",)]
    assert any("i_1 (Standby now): change" in each for each in told(fleet))
    assert told(fleet)[-1] == "end: succeeded"


def test_an_instance_that_is_being_born_is_waited_for_and_proven() -> None:
    fleet = group_of(2, i_9=Instance("i_9", "Pending", traffic=Traffic.OUT))
    said = told(fleet, bake=Seconds(60))
    assert said[3:] == [
        "promote: v2 is the desired release, and new instances boot it",
        "converge: waits for i_9 (Pending now)",
        "prefetch: i_9 (Pending now)",
        "converge: i_9 (Pending now): leave the load balancer, change, join it again",
        "bake: watched for 60 s",
        "end: succeeded",
    ]


def test_an_agent_that_is_offline_must_come_back_before_the_end() -> None:
    fleet = group_of(3, i_1=Instance("i_1", "InService", online=False, traffic=Traffic.HEALTHY))
    assert "window: i_1 (its agent must come back first): leave the load balancer, change, join it again" in told(fleet)


def test_who_is_leaving_is_not_taken() -> None:
    fleet = group_of(2, i_9=Instance("i_9", "Terminating:Wait", traffic=Traffic.DRAINING))
    assert all("i_9" not in each for each in told(fleet))


def test_without_a_load_balancer_nobody_leaves_one() -> None:
    assert "canary: i_0: change" in told(group_of(3, traffic=Traffic.NONE))


def test_after_a_crash_the_moves_are_those_of_any_rollout() -> None:
    assert moves_of(group_of(3), after_crash=True) == moves_of(group_of(3))


def test_a_large_group_is_told_in_few_lines() -> None:
    said = told(group_of(300), window=Share(1))
    assert len(said) < 30
    assert said[0].endswith("i_19 and 280 more")
    assert "window: 279 times more in this way" in said
    assert said[-1] == "end: succeeded"
