"""A rollout that gets there: canary, window, newborns, and what is left behind (nothing)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from deployer.core.actions import Result
from deployer.core.fleet import Fleet
from deployer.core.progress import Stage
from deployer.core.quantities import Seconds, Share
from deployer.core.release import ReleaseRef
from deployer.rollout.rollout import QUIET
from deployer.rollout.summary import markdown
from tests.unit.fake_fleet import Host, World, sha_of
from tests.unit.rolling import desired_of, fleet_of, record_of, roll, void, wish


def test_every_instance_is_proven_on_the_new_release() -> None:
    world = fleet_of(3)
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.SUCCEEDED
    assert set(world.versions().values()) == {"v2"}
    assert all(host.registered for host in world.hosts.values())
    assert (desired_of(world).version, desired_of(world).generation) == ("v2", 2)
    assert desired_of(world).previous == ReleaseRef("v1", sha_of("v1"))
    assert record_of(world, 2)["result"] == "succeeded"


def test_the_window_is_never_exceeded() -> None:
    world = fleet_of(9)
    roll(world, wish(window=Share(3)))
    assert world.lowest_serving == 6


def test_one_at_a_time_keeps_all_but_one_serving() -> None:
    world = fleet_of(5)
    roll(world, wish(window=Share(1)))
    assert world.lowest_serving == 4


def test_the_canary_goes_alone_and_is_watched() -> None:
    world = fleet_of(6)
    roll(world, wish(window=Share(3), canary_bake=Seconds(300)))
    first, *rest = [ids for verb, _, ids in world.history if verb == "activate"]
    assert len(first) == 1
    assert sum(len(ids) for ids in rest) == 5
    assert world.time > 1_000_300


@pytest.mark.parametrize("behind_load_balancer", [True, False])
def test_the_instance_that_is_unhealthy_already_goes_first_and_its_mark_says_nothing_of_the_release(
    behind_load_balancer: bool,
) -> None:
    world = fleet_of(4, behind_load_balancer=behind_load_balancer)
    world.hosts["i-2"].healthy = False
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.SUCCEEDED
    assert world.activated("v2")[0] == "i-2"
    [told] = [line for line in world.lines if line.startswith("warning: ")]
    assert told.startswith("warning: orange-prod: i-2 will be replaced: it was marked unhealthy before the rollout")
    assert "set-instance-health --health-status Healthy --instance-id i-2" in told
    assert markdown(rolled).count("the group replaces it") == 1


def test_a_group_of_which_every_instance_is_marked_unhealthy_can_be_mended() -> None:
    world = fleet_of(6)
    for host in world.hosts.values():
        host.healthy = False
    assert roll(world, wish(window=Share(1))).ending.result is Result.SUCCEEDED


def test_a_mark_that_goes_and_comes_again_is_one_of_the_new_release() -> None:
    world = fleet_of(3)
    world.hosts["i-2"].healthy = False
    world.later(5, lambda: setattr(world.hosts["i-2"], "healthy", True))
    world.later(40, lambda: setattr(world.hosts["i-2"], "healthy", False))
    rolled = roll(world, wish(bake=Seconds(60)))
    assert "i-2: it turned unhealthy after it had been proven" in rolled.ending.reason


def test_an_instance_in_a_zone_without_load_balancer_is_no_canary_and_keeps_nobody_from_being_drained() -> None:
    world = fleet_of(3)
    world.hosts["i-0"].zone_served = False
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.SUCCEEDED
    assert [line.split()[0] for line in world.lines if "leaving the load balancer" in line] == ["i-1", "i-2"]
    assert world.activated("v2") == ("i-1", "i-2", "i-0")


def test_a_newborn_during_the_window_is_brought_along() -> None:
    world = fleet_of(3)
    world.later(8, lambda: world.hosts.update({"i-new": Host("v1")}))
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.SUCCEEDED
    assert world.versions()["i-new"] == "v2"


def test_a_group_that_grows_all_the_time_does_not_bake_for_ever() -> None:
    world = fleet_of(3)
    for at in range(60):
        world.later(60.0 + 20.0 * at, partial(world.hosts.update, {f"i-new-{at}": Host("v2")}))
    rolled = roll(world, wish(bake=Seconds(300), timeout=Seconds(1800)))
    assert rolled.ending.result is Result.SUCCEEDED
    assert world.time < 1_000_400
    assert all(rolled.ending.progress.of(each).stage is Stage.PROVEN for each in world.hosts)


def test_an_instance_pending_at_the_promotion_is_waited_for() -> None:
    world = fleet_of(2)
    world.hosts["i-new"] = Host("v1", lifecycle="Pending")
    world.later(120, lambda: setattr(world.hosts["i-new"], "lifecycle", "InService"))
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.SUCCEEDED
    assert world.versions()["i-new"] == "v2"
    assert world.time > 1_000_120


def test_an_instance_terminated_while_it_activates_is_no_failure() -> None:
    world = fleet_of(3)
    world.later(5, lambda: void(world.hosts.pop("i-0")))
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.SUCCEEDED
    assert set(world.versions()) == {"i-1", "i-2"}


def test_an_instance_that_one_description_leaves_out_at_the_very_end_is_not_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = fleet_of(2)
    world.hosts["i-new"] = Host("v1", lifecycle="Pending")
    world.later(60, lambda: setattr(world.hosts["i-new"], "lifecycle", "InService"))
    observe, seen = World.observe, []

    def overlook(world: World) -> Fleet:
        fleet = observe(world)
        seen.append(any(each.id == "i-new" and each.in_service for each in fleet.instances))
        left_out = seen.count(True) == 2 and seen[-1]
        return replace(fleet, instances=tuple(each for each in fleet.instances if each.id != "i-new" or not left_out))

    monkeypatch.setattr(World, "observe", overlook)
    assert roll(world, wish()).ending.result is Result.SUCCEEDED
    assert set(world.versions().values()) == {"v2"}
    assert any("i-new  left the group" in line for line in world.lines)


def test_an_instance_that_runs_the_target_already_is_not_drained() -> None:
    world = fleet_of(3, version="v2")
    rolled = roll(world, wish("v2"))
    assert rolled.ending.result is Result.SUCCEEDED
    assert world.lowest_serving == 3
    assert desired_of(world).previous is None


def test_an_instance_whose_parameters_have_changed_is_drained_for_the_release_it_runs() -> None:
    world = fleet_of(3, outdated={"i-1"})
    roll(world, wish("v1"))
    assert [line.split()[0] for line in world.lines if "leaving the load balancer" in line] == ["i-1"]


def test_processes_that_would_fight_are_suspended_and_resumed() -> None:
    world = fleet_of(3)
    seen: set[str] = set()
    world.later(5, lambda: seen.update(world.suspended))
    roll(world, wish())
    assert seen == set(QUIET)
    assert world.suspended == set()


def test_a_process_somebody_else_suspended_stays_suspended() -> None:
    world = fleet_of(3)
    world.suspended = {"AZRebalance"}
    roll(world, wish())
    assert world.suspended == {"AZRebalance"}


def test_without_a_load_balancer_nothing_is_suspended() -> None:
    world = fleet_of(3, behind_load_balancer=False)
    seen: set[str] = set()
    world.later(3, lambda: seen.update(world.suspended))
    assert roll(world, wish()).ending.result is Result.SUCCEEDED
    assert seen == set()


def test_a_newborn_whose_agent_is_not_online_yet_is_waited_for() -> None:
    world = fleet_of(3)
    world.later(5, lambda: world.hosts.update({"i-new": Host("v1", online=False)}))
    world.later(60, lambda: setattr(world.hosts["i-new"], "online", True))
    assert roll(world, wish()).ending.result is Result.SUCCEEDED
    assert world.versions()["i-new"] == "v2"


def test_a_newborn_that_boots_for_long_has_all_its_time_to_get_its_agent_online() -> None:
    world = fleet_of(3)
    world.later(5, lambda: world.hosts.update({"i-new": Host("v1", lifecycle="Pending", online=False)}))
    world.later(400, lambda: setattr(world.hosts["i-new"], "lifecycle", "InService"))
    world.later(600, lambda: setattr(world.hosts["i-new"], "online", True))
    assert roll(world, wish()).ending.result is Result.SUCCEEDED
    assert world.versions()["i-new"] == "v2"


@pytest.mark.parametrize("at", [1, 3, 5, 7, 9, 12])
def test_instances_that_leave_and_come_back_are_brought_along(at: int) -> None:
    world = fleet_of(3)
    for number, (name, host) in enumerate(tuple(world.hosts.items())):
        world.later(at + 3 * number, partial(world.hosts.__delitem__, name))
        world.later(at + 3 * number + 2, partial(world.hosts.update, {name: host}))
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.SUCCEEDED
    assert set(world.versions().values()) == {"v2"}
    assert any("joined the group" in line for line in world.lines)
