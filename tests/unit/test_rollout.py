"""One rollout of one group, situation by situation, on a fleet with a clock of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployer.core import keys
from deployer.core.actions import Result
from deployer.core.errors import BadInput, DeployError, Interrupted, LeaseHeld, Refused
from deployer.core.plan import Limits
from deployer.core.quantities import Seconds, Share
from deployer.core.release import Desired, ReleaseRef
from deployer.rollout.lease import Holder
from deployer.rollout.rollout import QUIET, Rolled, Wish, roll_out
from deployer.rollout.rollout import World as Ports
from tests.unit.fake_fleet import Host, World, sha_of


def fleet_of(size: int, version: str = "v1", **about: Any) -> World:
    """A group at rest on `version`, which is desired at generation 1; version "" is a group that never ran anything."""
    world = World(hosts={f"i-{at}": Host(version) for at in range(size)}, **about)
    if version:
        desired = Desired(1, version, sha_of(version), None, "2026-01-01T00:00:00Z", "the test")
        world.create(keys.desired("orange", world.name), desired.to_json(), {})
        world.create(keys.lease("orange", world.name), Holder(1, "the test", "", 0.0, True).to_json(), {})
    return world


def wish(version: str = "v2", auto_rollback: bool = True, patience: float = 0, **limits: Any) -> Wish:
    return Wish(
        app="orange",
        release=ReleaseRef(version, sha_of(version)),
        limits=Limits(**limits),
        drain=True,
        auto_rollback=auto_rollback,
        patience=patience,
        owner="a person",
        run_url="",
        policy={"canary": "1"},
    )


def roll(world: World, asked: Wish) -> Rolled:
    return roll_out(asked, Ports(world, world, world, world, world))


def left_behind(world: World, version: str, result: str) -> None:
    """The record of an earlier rollout of `version`."""
    record = {"schema": 1, "to": version, "result": result, "suspended": []}
    world.create(keys.record("orange", world.name, 1), json.dumps(record).encode(), {})


def void(_: object) -> None:
    """Nothing comes of it."""


def desired_of(world: World) -> Desired:
    return Desired.from_json(world.objects[keys.desired("orange", world.name)].body)


def record_of(world: World, generation: int) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(world.objects[keys.record("orange", world.name, generation)].body)
    return record


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


def test_an_alarm_that_is_red_already_stops_the_rollout_before_it_begins() -> None:
    world = fleet_of(3)
    world.alarms = {"errors": "ALARM"}
    with pytest.raises(DeployError, match="not OK before"):
        roll(world, wish())
    assert world.history == []


def test_the_instance_that_is_unhealthy_already_goes_first() -> None:
    world = fleet_of(4)
    world.hosts["i-2"].healthy = False
    world.later(5, lambda: setattr(world.hosts["i-2"], "healthy", True))
    roll(world, wish())
    assert world.activated("v2")[0] == "i-2"


def test_a_newborn_during_the_window_is_brought_along() -> None:
    world = fleet_of(3)
    world.later(8, lambda: world.hosts.update({"i-new": Host("v1")}))
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.SUCCEEDED
    assert world.versions()["i-new"] == "v2"


def test_an_instance_pending_at_the_promotion_is_waited_for() -> None:
    world = fleet_of(2)
    world.hosts["i-new"] = Host("v1", lifecycle="Pending")
    world.later(120, lambda: setattr(world.hosts["i-new"], "lifecycle", "InService"))
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.SUCCEEDED
    assert world.versions()["i-new"] == "v2"
    assert world.time > 1_000_120


def test_an_instance_born_after_the_promotion_comes_back_too_when_the_bake_fails() -> None:
    world = fleet_of(2)
    world.alarms = {"errors": "OK"}
    world.later(40, lambda: world.hosts.update({"i-new": Host("v2", 2, lifecycle="Pending")}))
    world.later(45, lambda: world.alarms.update(errors="ALARM"))
    world.later(90, lambda: setattr(world.hosts["i-new"], "lifecycle", "InService"))
    rolled = roll(world, wish(bake=Seconds(600)))
    assert rolled.ending.result is Result.ROLLED_BACK
    assert set(world.versions().values()) == {"v1"}


def test_an_instance_terminated_while_it_activates_is_no_failure() -> None:
    world = fleet_of(3)
    world.later(5, lambda: void(world.hosts.pop("i-0")))
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.SUCCEEDED
    assert set(world.versions()) == {"i-1", "i-2"}


def test_an_instance_that_runs_the_target_already_is_not_drained() -> None:
    world = fleet_of(3, version="v2")
    rolled = roll(world, wish("v2"))
    assert rolled.ending.result is Result.SUCCEEDED
    assert world.lowest_serving == 3
    assert desired_of(world).previous is None


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


def test_an_offline_agent_stops_the_rollout_before_it_begins() -> None:
    world = fleet_of(3)
    world.hosts["i-1"].online = False
    with pytest.raises(DeployError, match="not online in SSM: i-1"):
        roll(world, wish())
    assert world.history == []
    assert Holder.from_json(world.objects[keys.lease("orange", world.name)].body, "lease").released


def test_an_agent_that_falls_silent_is_named_and_the_rest_comes_back() -> None:
    world = fleet_of(3)
    world.later(7, lambda: setattr(world.hosts["i-2"], "online", False))
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.COULD_NOT_RESTORE
    assert rolled.ending.reason.endswith("on the way back: i-2: SSM says Undeliverable")
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


def test_a_second_rollout_is_refused_while_the_first_holds_the_lease() -> None:
    world = fleet_of(3)
    key = keys.lease("orange", world.name)
    world.replace(key, Holder(7, "somebody", "", world.time + 60, False).to_json(), world.objects[key].etag)
    with pytest.raises(LeaseHeld, match="somebody is rolling out"):
        roll(world, wish())
    assert world.history == []


def test_a_second_rollout_waits_for_the_first_if_asked_to() -> None:
    world = fleet_of(3)
    key = keys.lease("orange", world.name)
    world.replace(key, Holder(7, "somebody", "", world.time + 60, False).to_json(), world.objects[key].etag)
    rolled = roll(world, wish(patience=90))
    assert rolled.ending.result is Result.SUCCEEDED
    assert rolled.generation == 8


def test_a_lost_answer_to_a_write_is_not_taken_for_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fleet_of(2)
    replace = World.replace

    def answer_lost(self: World, key: str, body: bytes, etag: str) -> str:
        replace(self, key, body, etag)
        return replace(self, key, body, etag)  # S3's client repeats the request, and finds its own work

    monkeypatch.setattr(World, "replace", answer_lost)
    assert roll(world, wish()).ending.result is Result.SUCCEEDED


def test_waiting_for_the_lease_can_be_given_up() -> None:
    world = fleet_of(3)
    key = keys.lease("orange", world.name)
    world.replace(key, Holder(7, "somebody", "", world.time + 60, False).to_json(), world.objects[key].etag)
    world.later(10, lambda: setattr(world, "stop", 2))
    with pytest.raises(Interrupted) as caught:
        roll(world, wish(patience=90))
    assert caught.value.exit_code == 130


def test_a_rollout_whose_lease_was_taken_over_stops() -> None:
    world = fleet_of(3)
    key = keys.lease("orange", world.name)

    def steal() -> None:
        world.replace(key, Holder(9, "somebody", "", world.time + 60, False).to_json(), world.objects[key].etag)

    world.later(5, steal)
    with pytest.raises(LeaseHeld, match="took this group's lease over"):
        roll(world, wish(canary_bake=Seconds(120)))
    assert world.suspended == set(QUIET)  # whoever took over relies on it, and resumes by the record
    assert Holder.from_json(world.objects[key].body, key).owner == "somebody"


def test_an_interrupted_rollout_cancels_resumes_and_lets_the_next_one_in() -> None:
    world = fleet_of(3)
    world.later(5, lambda: setattr(world, "stop", 15))
    rolled = roll(world, wish())
    assert (rolled.ending.result, rolled.signal) == (Result.INTERRUPTED, 15)
    assert all(host.registered for host in world.hosts.values())
    assert world.suspended == set()
    assert record_of(world, 2)["result"] == "interrupted"
    world.stop = None
    assert roll(world, wish()).ending.result is Result.SUCCEEDED
    assert set(world.versions().values()) == {"v2"}


def test_the_run_after_a_crash_resumes_what_the_dead_one_suspended() -> None:
    world = fleet_of(3)

    def crash() -> None:
        raise KeyboardInterrupt

    world.later(5, crash)
    frozen: list[dict[str, Any]] = []
    with pytest.raises(KeyboardInterrupt):
        roll_frozen(world, frozen)
    world.objects, world.suspended = frozen[0]["objects"], set(QUIET)
    world.time += 200
    assert roll(world, wish()).ending.result is Result.SUCCEEDED
    assert world.suspended == set()


def roll_frozen(world: World, frozen: list[dict[str, Any]]) -> None:
    """A rollout whose bucket is kept as it was at second 4: nothing it does while dying reaches it."""
    world.later(4, lambda: frozen.append({"objects": dict(world.objects)}))
    roll(world, wish())


def test_a_rollout_that_died_after_its_promotion_still_knows_the_way_back() -> None:
    world = fleet_of(3, version="v2")
    key = keys.desired("orange", world.name)
    promoted = Desired(1, "v2", sha_of("v2"), ReleaseRef("v1", sha_of("v1")), "2026-01-01T00:00:00Z", "the dead run")
    world.replace(key, promoted.to_json(), world.objects[key].etag)
    left_behind(world, "v2", "running")
    world.hosts["i-1"].version = "v1"
    world.broken["v2"] = {"i-1"}
    rolled = roll(world, wish("v2"))
    assert rolled.ending.result is Result.ROLLED_BACK
    assert set(world.versions().values()) == {"v1"}
    assert desired_of(world).version == "v1"


def test_a_release_that_is_good_and_fails_when_rolled_out_again_is_its_own_way_back() -> None:
    world = fleet_of(3)
    roll(world, wish("v2"))
    world.broken["v2"] = {"i-1"}
    world.hosts["i-1"].version = "v1"
    rolled = roll(world, wish("v2"))
    assert rolled.ending.result is Result.COULD_NOT_RESTORE
    assert "i-1" in rolled.ending.reason
    assert world.versions() == {"i-0": "v2", "i-1": "v1", "i-2": "v2"}
    assert desired_of(world).version == "v2"


def test_a_groups_only_release_is_not_taken_down_when_it_fails_on_one_instance() -> None:
    world = fleet_of(3, version="")
    roll(world, wish("v1"))
    world.broken["v1"] = {"i-1"}
    world.hosts["i-1"].version = ""
    assert roll(world, wish("v1")).ending.result is Result.COULD_NOT_RESTORE
    assert desired_of(world).version == "v1"
    assert [host.version for host in world.hosts.values()].count("v1") == 2


def test_after_a_crash_even_a_failing_prefetch_brings_the_group_back() -> None:
    world = fleet_of(3)
    left_behind(world, "v3", "running")
    world.hosts["i-0"].version, world.hosts["i-1"].registered = "v3", False
    world.unfetchable["v2"] = {"i-2"}
    assert roll(world, wish("v2")).ending.result is Result.ROLLED_BACK
    assert set(world.versions().values()) == {"v1"}
    assert all(host.registered for host in world.hosts.values())


def test_an_instance_ssm_cannot_reach_at_prefetch_is_counted_at_once() -> None:
    world = fleet_of(3)
    world.later(0.1, lambda: setattr(world.hosts["i-1"], "deaf", True))
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.FAILED
    assert "i-1: SSM says Undeliverable" in rolled.ending.reason
    assert len(world.history) == 1
    assert world.time < 1_000_060


def test_a_newborn_whose_agent_is_not_online_yet_is_waited_for() -> None:
    world = fleet_of(3)
    world.later(5, lambda: world.hosts.update({"i-new": Host("v1", online=False)}))
    world.later(60, lambda: setattr(world.hosts["i-new"], "online", True))
    assert roll(world, wish()).ending.result is Result.SUCCEEDED
    assert world.versions()["i-new"] == "v2"


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


@pytest.mark.parametrize("refuses", ["send", "cancel", "drain", "register", "observe"])
def test_what_aws_refuses_for_a_while_is_tried_again(refuses: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = fleet_of(3)
    world.broken["v2"] = {"i-2"}
    allowed = getattr(World, refuses)

    def throttled(self: World, *given: Any) -> Any:
        if 1_000_004 < self.time < 1_000_020:
            raise Refused("it was throttled")
        return allowed(self, *given)

    monkeypatch.setattr(World, refuses, throttled)
    assert roll(world, wish()).ending.result is Result.ROLLED_BACK
    assert set(world.versions().values()) == {"v1"}
    assert all(host.registered for host in world.hosts.values())


def test_what_aws_refuses_for_good_ends_with_the_instances_named() -> None:
    world = fleet_of(3)

    def refuse() -> None:
        world.refused = "ssm:SendCommand was refused"

    world.later(7, refuse)
    rolled = roll(world, wish())
    assert rolled.ending.result is Result.COULD_NOT_RESTORE
    assert "ssm:SendCommand was refused" in rolled.ending.reason
    assert "i-0" in rolled.ending.reason
    assert world.suspended == set()


def test_a_bake_longer_than_the_time_there_is_is_refused() -> None:
    world = fleet_of(3)
    with pytest.raises(BadInput, match="a third of which is kept"):
        roll(world, wish(bake=Seconds(2400)))
    assert world.history == []


def test_running_out_of_time_names_who_was_not_done() -> None:
    world = fleet_of(3)
    world.hosts["i-new"] = Host("v1", lifecycle="Pending")
    rolled = roll(world, wish(timeout=Seconds(1200)))
    assert rolled.ending.result is not Result.SUCCEEDED
    assert "not done within 800 s: i-new: new" in rolled.ending.reason


def test_an_error_nobody_foresaw_still_ends_the_record() -> None:
    world = fleet_of(3)

    def surprise() -> None:
        raise RuntimeError("a surprise")

    world.later(5, surprise)
    with pytest.raises(RuntimeError):
        roll(world, wish())
    assert record_of(world, 2)["result"] == "interrupted"
    assert world.suspended == set()


def test_a_record_is_never_rewritten_by_a_later_rollout() -> None:
    world = fleet_of(3)
    roll(world, wish())
    before = world.objects[keys.record("orange", world.name, 2)]
    roll(world, wish("v3"))
    assert world.objects[keys.record("orange", world.name, 2)] == before
    assert record_of(world, 3)["from"] == "v2"
