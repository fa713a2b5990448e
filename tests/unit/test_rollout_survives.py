"""A rollout among others: leases, interruptions, crashes, refusals in the middle, and records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from deployer.core import keys
from deployer.core.actions import Result
from deployer.core.errors import Interrupted, LeaseHeld, Refused, Unanswered
from deployer.core.orders import Order, Sent
from deployer.core.quantities import Seconds
from deployer.core.release import Desired, ReleaseRef
from deployer.rollout.lease import LIFETIME, Holder
from deployer.rollout.rollout import QUIET
from tests.unit.fake_fleet import World, sha_of
from tests.unit.rolling import desired_of, fleet_of, left_behind, record_of, roll, wish


def test_a_second_rollout_is_refused_while_the_first_holds_the_lease() -> None:
    world = fleet_of(3)
    key = keys.lease("orange", world.name)
    world.replace(key, Holder(7, "somebody", "", world.time + 60, False).to_json(), world.objects[key].etag)
    with pytest.raises(LeaseHeld, match="somebody is rolling out to orange-prod"):
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


def steal_lease(world: World) -> None:
    key = keys.lease("orange", world.name)
    world.replace(key, Holder(9, "somebody", "", world.time + 900, False).to_json(), world.objects[key].etag)


def test_a_rollout_whose_lease_was_taken_over_stops() -> None:
    world = fleet_of(3)
    key = keys.lease("orange", world.name)
    world.later(5, lambda: steal_lease(world))
    with pytest.raises(LeaseHeld, match=r"took orange/groups/orange-prod/lease\.json over"):
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


def test_a_good_release_rolled_out_after_another_one_died_is_its_own_way_back() -> None:
    world = fleet_of(3)
    key = keys.desired("orange", world.name)
    good = Desired(1, "v1", sha_of("v1"), ReleaseRef("v0", sha_of("v0")), "2026-01-01T00:00:00Z", "an earlier run")
    world.replace(key, good.to_json(), world.objects[key].etag)
    left_behind(world, "v2", "could-not-restore")
    world.unready["v1"] = {"i-1"}
    roll(world, wish("v1"))
    assert not world.activated("v0")
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


def test_who_may_have_been_told_is_touched_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fleet_of(3)
    send = World.send

    def lose_the_answer(world: World, ids: Iterable[str], order: Order) -> Iterator[Sent]:
        yield from (each for each in send(world, ids, order) if order.subcommand == "prefetch")
        if order.subcommand == "activate":
            raise Unanswered("ssm:SendCommand got no answer")

    monkeypatch.setattr(World, "send", lose_the_answer)
    ending = roll(world, wish()).ending
    assert ending.result is Result.COULD_NOT_RESTORE
    assert "as they were left: i-0" in ending.reason
    assert ending.progress.of("i-0").in_doubt


def test_who_may_have_been_drained_takes_up_room(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fleet_of(3)
    world.hosts["i-0"].lifecycle = "Standby"
    drain, drained = World.drain, []

    def lose_the_answer(world: World, ids: Iterable[str]) -> None:
        ids = tuple(ids)
        drain(world, ids)
        drained.append(ids)
        if len(drained) == 1:
            world.hosts["i-0"].lifecycle = "InService"  # not serving yet, it would take nothing away
            world.hosts["i-0"].since = world.time
            raise Refused("no answer from elasticloadbalancing:DeregisterTargets")

    monkeypatch.setattr(World, "drain", lose_the_answer)
    assert roll(world, wish()).ending.result is Result.SUCCEEDED
    assert drained[:2] == [("i-1",), ("i-1",)]


@pytest.mark.parametrize("call", ["register", "resume"])
def test_nothing_is_put_in_order_any_more_once_another_rollout_has_taken_over(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS refuses, the process stands still before it tries again, and meanwhile its lease has expired."""
    world = fleet_of(3)
    world.broken["v2"] = {"*"}
    calls: list[float] = []

    def refuse(world: World, *_given: Any) -> None:
        calls.append(world.time)
        steal_lease(world)
        world.time += LIFETIME
        raise Refused(f"{call} was refused")

    monkeypatch.setattr(World, call, refuse)
    with pytest.raises(LeaseHeld, match=r"took orange/groups/orange-prod/lease\.json over"):
        roll(world, wish(auto_rollback=False))
    assert len(calls) == 1


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


def roll_frozen(world: World, frozen: list[dict[str, Any]]) -> None:
    """A rollout whose bucket is kept as it was at second 4: nothing it does while dying reaches it."""
    world.later(4, lambda: frozen.append({"objects": dict(world.objects)}))
    roll(world, wish())
