"""Alarms that are red before anything begins, where waiting for them to be OK would be waiting for ever."""

from __future__ import annotations

import pytest

from deployer.core.actions import Result
from deployer.core.errors import BadInput, DeployError
from deployer.core.fleet import MISSING
from tests.unit.fake_fleet import World
from tests.unit.rolling import desired_of, fleet_of, left_behind, record_of, roll, wish


def alarming(size: int = 3) -> World:
    """A group on the bad release, which its alarm tells."""
    world = fleet_of(size, "v2")
    world.alarms = {"errors": "ALARM"}
    return world


def half_done() -> World:
    """A run died with v2 on one instance, out of the load balancer, and processes suspended."""
    world = fleet_of(3)
    world.alarms = {"errors": "ALARM"}
    world.hosts["i-0"].version = "v2"
    world.drain(["i-0"])
    world.suspended = {"HealthCheck"}
    left_behind(world, "v2", "running", suspended=("HealthCheck",))
    return world


def test_a_rollback_is_not_stopped_by_the_alarm_it_is_for_and_says_so() -> None:
    world = alarming()
    rolled = roll(world, wish("v1", auto_rollback=False, rollback=True))
    assert rolled.ending.result is Result.SUCCEEDED
    assert "alarm errors is ALARM" in world.lines[0]
    assert "counts once it has been OK" in world.lines[0]


def test_the_alarm_judges_a_rollback_once_it_has_been_ok() -> None:
    world = alarming()
    world.later(10, lambda: world.alarms.update(errors="OK"))
    world.later(20, lambda: world.alarms.update(errors="ALARM"))
    rolled = roll(world, wish("v1", auto_rollback=False, rollback=True, bake=600))
    assert rolled.ending.result is Result.COULD_NOT_RESTORE
    assert "alarm errors is ALARM" in rolled.ending.reason


def test_an_alarm_that_is_ok_judges_a_rollback_from_the_start() -> None:
    world = alarming()
    world.alarms["latency"] = "OK"
    world.later(5, lambda: world.alarms.update(latency="ALARM"))
    rolled = roll(world, wish("v1", auto_rollback=False, rollback=True, bake=600))
    assert rolled.ending.reason.startswith("alarm latency is ALARM; auto-rollback is off")


def test_a_rollback_that_names_an_alarm_that_is_not_there_is_refused() -> None:
    world = alarming()
    world.alarms = {"misspelt": MISSING}
    with pytest.raises(BadInput, match="do not exist: misspelt"):
        roll(world, wish("v1", rollback=True))


def test_after_a_run_that_died_a_red_alarm_stops_nobody_from_putting_things_right() -> None:
    world = half_done()
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.ROLLED_BACK
    assert "alarm errors is ALARM" in record_of(world, 2)["reason"]
    assert {each.version for each in world.hosts.values()} == {"v1"}
    assert (desired_of(world).version, world.suspended) == ("v1", set())
    assert all(each.registered for each in world.hosts.values())
    assert "alarm errors is ALARM" in world.lines[0]


def test_what_lay_half_done_is_finished_if_the_alarm_is_ok_in_time() -> None:
    world = half_done()
    world.later(1, lambda: world.alarms.update(errors="OK"))
    assert roll(world, wish()).ending.result is Result.SUCCEEDED
    assert world.suspended == set()


def test_a_rollout_that_has_nothing_to_put_right_waits_for_ok() -> None:
    world = alarming()
    left_behind(world, "v2", "succeeded")
    with pytest.raises(DeployError, match=r"not OK before the rollout begins: errors \(ALARM\)"):
        roll(world, wish("v3"))
    assert world.history == []
