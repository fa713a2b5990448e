"""A rollout that does not get there: who is touched, what comes back, who is named."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from deployer.core import keys
from deployer.core.actions import Result
from deployer.core.errors import Refused
from deployer.core.progress import Progress, Stage, Step
from deployer.core.quantities import Seconds, Share
from tests.unit.fake_fleet import Host, World
from tests.unit.rolling import desired_of, fleet_of, left_behind, record_of, roll, void, wish


def test_a_release_broken_everywhere_touches_only_the_canary() -> None:
    world = fleet_of(6)
    world.broken["v2"] = {"*"}
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.ROLLED_BACK
    assert len(world.activated("v2")) == 1
    assert set(world.versions().values()) == {"v1"}
    assert all(host.registered for host in world.hosts.values())
    assert "never healthy" in record_of(world, 2)["reason"]


def test_a_failure_in_the_window_brings_every_touched_instance_back() -> None:
    world = fleet_of(6)
    world.broken["v2"] = {"i-4"}
    rolled = roll(world, wish(window=Share(2)))
    assert rolled.ending.result is Result.ROLLED_BACK
    assert set(world.versions().values()) == {"v1"}
    assert set(world.activated("v1")) == set(world.activated("v2"))


def test_an_instance_that_failed_and_was_replaced_still_counts_as_failed() -> None:
    world = fleet_of(6)
    world.broken["v2"] = {"*"}
    world.later(10, lambda: void(world.hosts.pop("i-0")))
    rolled = roll(world, wish(failures=1, canary=1))
    assert rolled.ending.result is Result.ROLLED_BACK
    assert world.activated("v2") == ("i-0", "i-1")
    assert "i-0: restored" in record_of(world, 2)["reason"]


def test_an_instance_that_failed_and_left_before_its_second_attempt_still_counts_as_failed() -> None:
    progress = Progress({"i-0": Step(Stage.FAILED, failed=True)}, frozenset({"i-0"}))
    again = progress.retried(["i-0"], 1.0)
    assert again.failed == ("i-0",)
    assert again.moved(["i-0"], Stage.GONE, 2.0).failed == ("i-0",)
    made_good = progress.retried(["i-0"], 1.0).moved(["i-0"], Stage.PROVEN, 2.0).moved(["i-0"], Stage.GONE, 3.0)
    assert made_good.failed == ()


def test_a_way_back_once_begun_is_gone_although_the_reason_for_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS refuses the write that begins it; its generation may be taken all the same."""
    world = fleet_of(3)
    replace, lease = World.replace, keys.lease("orange", world.name)

    def refuse_once(self: World, key: str, body: bytes, etag: str) -> str:
        if key == lease and json.loads(body)["generation"] == 3 and world.alarms["errors"] == "ALARM":
            world.alarms["errors"] = "OK"
            raise Refused("s3:PutObject was throttled")
        return replace(self, key, body, etag)

    monkeypatch.setattr(World, "replace", refuse_once)
    world.alarms["errors"] = "OK"
    world.later(10, lambda: world.alarms.update(errors="ALARM"))
    rolled = roll(world, wish(bake=60))
    assert rolled.ending.result is Result.ROLLED_BACK
    assert set(world.versions().values()) == {"v1"}


def test_rolling_back_takes_a_new_generation_and_writes_it_as_desired() -> None:
    world = fleet_of(3)
    world.broken["v2"] = {"*"}
    roll(world, wish())
    assert (desired_of(world).version, desired_of(world).generation) == ("v1", 3)
    assert record_of(world, 2)["last_generation"] == 3


def test_a_groups_first_release_that_fails_is_taken_down() -> None:
    world = fleet_of(3, version="")
    world.broken["v1"] = {"i-1"}
    rolled = roll(world, wish("v1"))
    assert rolled.ending.result is Result.FAILED
    assert set(world.versions().values()) == {""}
    assert keys.desired("orange", world.name) not in world.objects


def test_a_first_release_that_fails_while_it_bakes_is_not_desired_any_more() -> None:
    world = fleet_of(2, version="")
    world.alarms = {"errors": "OK"}
    world.later(30, lambda: world.alarms.update(errors="ALARM"))
    rolled = roll(world, wish("v1", bake=Seconds(600)))
    assert rolled.ending.result is Result.FAILED
    assert set(world.versions().values()) == {""}
    assert desired_of(world).version == ""


def test_without_auto_rollback_the_instances_stay_and_are_named() -> None:
    world = fleet_of(3)
    world.broken["v2"] = {"i-1"}
    rolled = roll(world, wish(auto_rollback=False))
    assert rolled.ending.result is Result.COULD_NOT_RESTORE
    assert "i-1" in rolled.ending.reason


def test_an_instance_that_cannot_be_put_back_is_named() -> None:
    world = fleet_of(3)
    world.broken["v2"] = {"i-1"}
    world.broken["v1"] = {"i-0"}
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.COULD_NOT_RESTORE
    assert "i-0" in rolled.ending.reason


def test_an_alarm_during_the_bake_rolls_back() -> None:
    world = fleet_of(3)
    world.alarms = {"errors": "OK"}
    world.later(60, lambda: world.alarms.update(errors="ALARM"))
    rolled = roll(world, wish(bake=Seconds(600)))
    assert rolled.ending.result is Result.ROLLED_BACK
    assert "alarm errors is ALARM" in record_of(world, 2)["reason"]
    assert set(world.versions().values()) == {"v1"}


def test_an_alarm_that_loses_its_data_is_not_green() -> None:
    world = fleet_of(3)
    world.alarms = {"errors": "OK"}
    world.later(60, lambda: world.alarms.update(errors="INSUFFICIENT_DATA"))
    assert roll(world, wish(bake=Seconds(600))).ending.result is Result.ROLLED_BACK


def test_an_instance_born_after_the_promotion_comes_back_too_when_the_bake_fails() -> None:
    world = fleet_of(2)
    world.alarms = {"errors": "OK"}
    world.later(40, lambda: world.hosts.update({"i-new": Host("v2", 2, lifecycle="Pending")}))
    world.later(45, lambda: world.alarms.update(errors="ALARM"))
    world.later(90, lambda: setattr(world.hosts["i-new"], "lifecycle", "InService"))
    rolled = roll(world, wish(bake=Seconds(600)))
    assert rolled.ending.result is Result.ROLLED_BACK
    assert set(world.versions().values()) == {"v1"}


def test_a_newborn_that_cannot_be_told_anything_yet_is_not_drained_on_the_way_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, drained, drain = fleet_of(3), set[str](), World.drain
    left_behind(world, "v3", "running")  # so that everyone is to come back
    world.broken["v2"] = {"i-1"}
    world.later(15, lambda: world.hosts.update({"i-new": Host("v1", lifecycle="Pending", online=False)}))
    world.later(18, lambda: setattr(world.hosts["i-new"], "lifecycle", "InService"))
    world.later(40, lambda: setattr(world.hosts["i-new"], "online", True))

    def watched(world: World, ids: Iterable[str]) -> None:
        drained.update(each for each in ids if not world.hosts[each].online)
        drain(world, ids)

    monkeypatch.setattr(World, "drain", watched)
    assert roll(world, wish(window=Share(2))).ending.result is Result.ROLLED_BACK
    assert drained == set()


def test_an_agent_that_falls_silent_is_named_and_the_rest_comes_back() -> None:
    world = fleet_of(3)
    world.later(7, lambda: setattr(world.hosts["i-2"], "online", False))
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.COULD_NOT_RESTORE
    assert rolled.ending.reason.endswith("on the way back: i-2: its SSM agent is not online")
    assert set(world.versions().values()) == {"v1"}
    assert all(host.registered for host in world.hosts.values())


def test_an_instance_that_never_answers_runs_out_of_time() -> None:
    world = fleet_of(3)
    world.later(3, lambda: setattr(world, "latency", 100_000.0))
    rolled = roll(world, wish(instance_timeout=Seconds(60), timeout=Seconds(600)))
    assert rolled.ending.result is Result.COULD_NOT_RESTORE
    assert world.time < 1_000_000 + 600 + 10


def test_a_prefetch_that_fails_everywhere_changes_nothing() -> None:
    world = fleet_of(3)

    def fall_silent() -> None:
        for host in world.hosts.values():
            host.online = False

    world.later(0.1, fall_silent)
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.FAILED
    assert world.activated("v2") == ()
    assert desired_of(world).version == "v1"


def test_an_instance_ssm_cannot_reach_at_prefetch_is_counted_at_once() -> None:
    world = fleet_of(3)
    world.later(0.1, lambda: setattr(world.hosts["i-1"], "deaf", True))
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.FAILED
    assert "i-1: SSM says Undeliverable" in rolled.ending.reason
    assert len(world.history) == 1
    assert world.time < 1_000_060


def test_an_agent_silent_for_a_while_is_tried_again_when_it_is_back() -> None:
    world = fleet_of(3)
    world.later(7, lambda: setattr(world.hosts["i-2"], "deaf", True))
    world.later(50, lambda: setattr(world.hosts["i-2"], "deaf", False))
    assert roll(world, wish(unreachable=1)).ending.result is Result.SUCCEEDED
    assert set(world.versions().values()) == {"v2"}


def test_a_tolerated_failure_that_left_the_old_release_running_serves_again() -> None:
    world = fleet_of(4)
    world.unready["v2"] = {"i-1"}
    world.later(25, lambda: world.unready.clear())
    rolled = roll(world, wish(failures=1, window=Share(1)))
    assert rolled.ending.result is Result.SUCCEEDED
    assert set(world.versions().values()) == {"v2"}


def test_who_is_on_standby_is_not_put_into_the_load_balancer_when_its_activation_fails() -> None:
    world = fleet_of(4)
    world.hosts["i-3"] = Host("v1", lifecycle="Standby", registered=False)
    world.unready["v2"] = {"i-3"}
    rolled = roll(world, wish(failures=1))
    assert "i-3: failed: parameters cannot be read" in rolled.ending.reason
    assert not world.hosts["i-3"].registered


def test_running_out_of_time_names_who_was_not_done() -> None:
    world = fleet_of(3)
    world.hosts["i-new"] = Host("v1", lifecycle="Pending")
    rolled = roll(world, wish(timeout=Seconds(1200)))
    assert rolled.ending.result is not Result.SUCCEEDED
    assert "not done within 800 s: i-new: coming" in rolled.ending.reason
