"""What is looked at before anything is changed: the policy, the group's size, its freeze, the alarms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.aws.auto_scaling import describe
from deployer.core.actions import Result
from deployer.core.errors import BadInput, DeployError
from deployer.core.fleet import Fleet, Instance
from deployer.core.plan import Limits
from deployer.core.quantities import Share, parse_share
from deployer.rollout.preflight import check_alarms, check_group, notes
from tests.unit.fake_fleet import World
from tests.unit.rolling import fleet_of, roll, wish


class OneGroup:
    """Auto Scaling as boto3 shows it, with one group that carries these tags."""

    def __init__(self, tags: dict[str, str]) -> None:
        self._tags = [{"Key": name, "Value": value} for name, value in tags.items()]

    def describe_auto_scaling_groups(self, AutoScalingGroupNames: list[str]) -> dict[str, object]:  # noqa: N803 (AWS's own spelling)
        return {"AutoScalingGroups": [{"AutoScalingGroupName": AutoScalingGroupNames[0], "Tags": self._tags}]}


class FrozenWorld(World):
    """A group that somebody froze."""

    def observe(self) -> Fleet:
        return replace(super().observe(), freeze="it is the season")


def frozen(world: World) -> FrozenWorld:
    return FrozenWorld(**vars(world))


def group_of(*lifecycles: str) -> Fleet:
    return Fleet(tuple(Instance(f"i-{at}", lifecycle) for at, lifecycle in enumerate(lifecycles)))


def test_more_than_a_hundred_percent_is_no_share() -> None:
    with pytest.raises(ValueError, match="at most 100%"):
        parse_share("101%")


def test_ten_alarms_are_allowed_and_an_eleventh_is_refused() -> None:
    check_alarms([f"alarm-{at}" for at in range(10)])
    with pytest.raises(BadInput, match="names 11 alarms"):
        check_alarms([f"alarm-{at}" for at in range(11)])


@pytest.mark.parametrize("window", ["33%", "99%"])
def test_a_percentage_below_all_does_not_allow_the_only_instance_to_be_down(window: str) -> None:
    with pytest.raises(BadInput, match="has one instance in service") as refusal:
        check_group("orange-prod", group_of("InService"), Limits(window=parse_share(window)))
    assert "--max-unavailable 1 (or 100%)" in refusal.value.fix
    assert "desired capacity to 2" in refusal.value.fix


def test_an_instance_on_standby_does_not_serve_in_the_place_of_the_only_one() -> None:
    with pytest.raises(BadInput, match="has one instance in service"):
        check_group("orange-prod", group_of("InService", "Standby"), Limits())


@pytest.mark.parametrize("window", ["1", "100%"])
def test_a_policy_that_allows_it_takes_the_only_instance_and_says_so_first(window: str) -> None:
    world = fleet_of(1)
    assert roll(world, wish(window=parse_share(window))).ending.result is Result.SUCCEEDED
    assert world.lines[0].startswith("orange-prod: i-0 is the only instance in service: nobody serves")


def test_a_percentage_of_two_instances_is_never_none() -> None:
    world = fleet_of(2)
    assert roll(world, wish(window=Share(33, True))).ending.result is Result.SUCCEEDED
    assert world.lowest_serving == 1


@pytest.mark.parametrize("window", ["3", "7", "100%"])
def test_a_window_of_the_whole_group_says_that_nobody_serves_meanwhile(window: str) -> None:
    world = fleet_of(3)
    assert roll(world, wish(canary=0, window=parse_share(window))).ending.result is Result.SUCCEEDED
    assert world.lines[0] == "orange-prod: all 3 instances in service may change at once: nobody serves meanwhile"
    assert world.lowest_serving == 0


def test_a_canary_before_the_whole_group_serves_alone_meanwhile() -> None:
    world = fleet_of(3)
    roll(world, wish(canary=1, window=parse_share("100%")))
    assert "the others (2) may change at once: only the canary serves" in world.lines[0]
    assert world.lowest_serving == 1


def test_a_canary_that_is_on_standby_serves_nobody() -> None:
    [said] = notes(group_of("InService", "InService", "Standby"), Limits(canary=1, window=Share(2)))
    assert said == "all 2 instances in service may change at once: nobody serves meanwhile"


@pytest.mark.parametrize("limits", [Limits(), Limits(window=Share(2))])
def test_nothing_is_said_where_somebody_always_serves(limits: Limits) -> None:
    assert notes(group_of("InService", "InService", "InService"), limits) == ()


def test_a_frozen_group_is_refused_with_the_reason_and_the_way_out() -> None:
    with pytest.raises(BadInput, match="it is the season") as refusal:
        check_group("orange-prod", Fleet((), freeze="it is the season"), Limits())
    assert refusal.value.fix.endswith(
        "aws autoscaling delete-tags --tags ResourceId=orange-prod,ResourceType=auto-scaling-group,Key=deploy-freeze"
    )


@pytest.mark.parametrize(
    ("tags", "freeze"),
    [
        ({"deploy-freeze": "until Monday\nask the team"}, "until Monday ask the team"),
        ({"deploy-freeze": "true", "Name": "orange"}, "true"),
        ({"deploy-freeze": "false"}, ""),
        ({"deploy-freeze": " "}, ""),
        ({"Name": "orange"}, ""),
    ],
)
def test_a_freeze_is_what_the_groups_tag_says(tags: dict[str, str], freeze: str) -> None:
    assert describe(OneGroup(tags), "orange-prod").freeze == freeze


def test_a_rollout_does_not_touch_a_frozen_group() -> None:
    world = frozen(fleet_of(3))
    with pytest.raises(BadInput, match="is frozen"):
        roll(world, wish())
    assert world.history == []


def test_a_rollback_goes_through_a_freeze_and_says_so() -> None:
    world = frozen(fleet_of(3))
    assert roll(world, wish(rollback=True)).ending.result is Result.SUCCEEDED
    assert world.lines[0].startswith("warning: orange-prod is frozen: it is the season")


def test_who_is_offline_within_the_limit_is_said_to_decide_the_end() -> None:
    world = fleet_of(6)
    world.hosts["i-4"].online = False
    rolled = roll(world, wish(unreachable=1))
    assert rolled.ending.result is not Result.SUCCEEDED
    said = "not online in SSM: i-4; unless that changes while it runs, this rollout turns back"
    assert any(said in each for each in world.lines)


def test_who_is_offline_beyond_the_limit_is_refused_with_the_limit_named() -> None:
    fleet = Fleet((Instance("i-0", "InService"), Instance("i-1", "InService", online=False)))
    with pytest.raises(DeployError, match="not online in SSM: i-1") as refusal:
        check_group("orange-prod", fleet, Limits(window=parse_share("50%")))
    assert "--unreachable-limit 1; the rollout succeeds only if they come back" in refusal.value.fix
