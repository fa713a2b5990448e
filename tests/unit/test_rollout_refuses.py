"""A rollout that must not even begin."""

from __future__ import annotations

import pytest

from deployer.core import keys
from deployer.core.errors import BadInput, DeployError
from deployer.core.quantities import Seconds, Share
from deployer.rollout.lease import Holder
from tests.unit.rolling import fleet_of, roll, wish


def test_an_alarm_that_is_red_already_stops_the_rollout_before_it_begins() -> None:
    world = fleet_of(3)
    world.alarms = {"errors": "ALARM"}
    with pytest.raises(DeployError, match="not OK before"):
        roll(world, wish())
    assert world.history == []


def test_an_offline_agent_stops_the_rollout_before_it_begins() -> None:
    world = fleet_of(3)
    world.hosts["i-1"].online = False
    with pytest.raises(DeployError, match="not online in SSM: i-1"):
        roll(world, wish())
    assert world.history == []
    assert Holder.from_json(world.objects[keys.lease("orange", world.name)].body, "lease").released


def test_an_empty_group_is_refused() -> None:
    with pytest.raises(BadInput, match="no instance in service"):
        roll(fleet_of(0), wish())


def test_a_canary_larger_than_the_group_is_refused() -> None:
    world = fleet_of(2)
    with pytest.raises(BadInput, match="canary is 3"):
        roll(world, wish(canary=3))
    assert world.history == []


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="max-unavailable is 0"):
        roll(fleet_of(2), wish(window=Share(0)))


def test_a_bake_longer_than_the_time_there_is_is_refused() -> None:
    world = fleet_of(3)
    with pytest.raises(BadInput, match="a third of which is kept"):
        roll(world, wish(bake=Seconds(2400)))
    assert world.history == []
