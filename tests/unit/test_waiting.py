"""Who comes next to a group whose lease is held: one run waits, and a newer wish takes its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

import pytest

from deployer.core import keys
from deployer.core.actions import Result
from deployer.core.errors import DeployError, Interrupted, LeaseHeld, Refused
from deployer.core.store import Stored
from deployer.rollout.lease import LIFETIME, Holder
from deployer.rollout.rollout import Wish
from deployer.rollout.waiting import Claim, Place, acquire
from tests.unit.fake_fleet import World
from tests.unit.rolling import fleet_of, roll, wish

LEASE = keys.lease("orange", "orange-prod")
WAITING = keys.waiting("orange", "orange-prod")
PATIENT = 1000.0


def asked(version: str, as_of: float, patience: float = PATIENT) -> Wish:
    """A wish of its own owner for a version that is as new as that."""
    return replace(wish(version, patience=patience), as_of=as_of, owner=f"the run of {version}", run_url="https://run")


def held_for(seconds: float) -> World:
    """A group whose lease somebody else holds that long."""
    world = fleet_of(3)
    world.replace(LEASE, Holder(7, "somebody", "", world.time + seconds, False).to_json(), world.objects[LEASE].etag)
    return world


def waits(world: World, version: str, as_of: float, until: float) -> None:
    """The claim of a run that began a while ago, and neither looks nor renews."""
    since = world.time - 300
    claim = Claim(f"id-{version}", f"the run of {version}", "https://run", version, as_of, since, until)
    world.create(WAITING, claim.to_json(), {})


def claim_in(world: World) -> Claim:
    return Claim.from_json(world.objects[WAITING].body, WAITING)


def place_of(world: World, version: str, as_of: float) -> Place:
    claim = Claim.new(f"the run of {version}", "https://run", version, as_of, world.now())
    return Place(world, "orange", world.name, world, claim, world.say)


def look(place: Place) -> None:
    """What a run does at every look while somebody else holds the lease."""
    place.keep(place.check())


def test_a_newer_release_takes_the_place_of_the_one_that_waits() -> None:
    world = held_for(60)
    newer: list[Result] = []
    world.later(20, lambda: newer.append(roll(world, asked("v3", 20)).ending.result))
    with pytest.raises(LeaseHeld, match=r"run of v3 .*, which came for orange-prod with v3") as refusal:
        roll(world, asked("v2", 10))
    assert refusal.value.exit_code == 5
    assert newer == [Result.SUCCEEDED]
    assert world.activated("v2") == ()
    assert "orange-prod: taking the place of the run of v2 (https://run), which waited with v2" in world.lines


def test_the_superseded_run_gives_up_at_its_next_look_and_leaves_the_other_alone() -> None:
    world = held_for(60)
    world.later(20, lambda: look(place_of(world, "v3", 20)))
    with pytest.raises(LeaseHeld, match="which waits for orange-prod with v3 in its place; nothing was changed"):
        roll(world, asked("v2", 10))
    assert world.time < 1_000_023
    assert claim_in(world).version == "v3"
    assert claim_in(world).stands(world.time)


def test_a_release_older_than_the_one_that_waits_is_refused_at_once() -> None:
    world = held_for(60)
    waits(world, "v3", as_of=20, until=world.time + 100)
    with pytest.raises(LeaseHeld, match=r"the run of v3 .* waits for orange-prod with v3, which is newer than v2"):
        roll(world, asked("v2", 10))
    assert world.time == 1_000_000
    assert claim_in(world).version == "v3"


def test_a_run_that_does_not_wait_is_refused_as_ever_and_claims_nothing() -> None:
    world = held_for(60)
    waits(world, "v3", as_of=20, until=world.time + 100)
    before = world.objects[WAITING]
    with pytest.raises(LeaseHeld, match="somebody is rolling out"):
        roll(world, asked("v4", 40, patience=0))
    assert world.objects[WAITING] == before


def test_the_same_release_asked_for_again_takes_the_place_of_the_first_try() -> None:
    world = held_for(60)
    first = place_of(world, "v2", 10)
    look(first)
    assert roll(world, asked("v2", 10)).ending.result is Result.SUCCEEDED
    with pytest.raises(LeaseHeld, match="superseded"):
        first.check()


def test_the_claim_of_a_run_that_died_is_ignored_once_it_ended() -> None:
    world = held_for(60)
    waits(world, "v3", as_of=20, until=world.time - 1)
    assert roll(world, asked("v2", 10)).ending.result is Result.SUCCEEDED


def test_a_claim_is_renewed_for_as_long_as_its_run_waits() -> None:
    world = held_for(1000)
    stood: list[bool] = []
    for at in range(10, 500, 10):
        world.later(at, lambda: stood.append(claim_in(world).stands(world.time)))
    with pytest.raises(LeaseHeld, match="somebody is rolling out"):
        roll(world, asked("v2", 10, patience=500))
    assert len(stood) > 4 * LIFETIME / 10
    assert all(stood)


@pytest.mark.parametrize("held", [30, 500])
def test_a_claim_is_given_up_with_the_lease_in_hand_as_well_as_out_of_patience(held: float) -> None:
    world = held_for(held)
    try:
        roll(world, asked("v2", 10, patience=100))
    except LeaseHeld:
        assert held == 500
    assert claim_in(world).version == "v2"
    assert claim_in(world).released


def test_an_interrupted_run_gives_its_claim_up() -> None:
    world = held_for(500)
    world.later(10, lambda: setattr(world, "stop", 15))
    with pytest.raises(Interrupted):
        roll(world, asked("v2", 10))
    assert claim_in(world).released


def test_a_free_lease_is_not_for_a_release_older_than_the_one_that_waits() -> None:
    world = fleet_of(3)
    waits(world, "v3", as_of=20, until=world.time + 100)
    with pytest.raises(LeaseHeld, match="newer than v2"):
        roll(world, asked("v2", 10, patience=0))
    assert world.history == []


def test_a_free_lease_goes_to_a_newer_release_and_the_one_that_waited_is_superseded() -> None:
    world = fleet_of(3)
    older = place_of(world, "v2", 10)
    look(older)
    assert roll(world, asked("v3", 20, patience=0)).ending.result is Result.SUCCEEDED
    with pytest.raises(LeaseHeld, match="superseded by the run of v3"):
        older.check()


def test_a_wish_that_was_asleep_does_not_follow_a_newer_release() -> None:
    world = fleet_of(3)
    older = place_of(world, "v2", 10)
    look(older)
    world.wait(LIFETIME + 60)
    roll(world, asked("v3", 20, patience=0))
    with pytest.raises(LeaseHeld, match="superseded by the run of v3"):
        older.check()


def test_a_wish_that_was_asleep_comes_back_before_an_older_one() -> None:
    world = held_for(1000)
    newer = place_of(world, "v3", 20)
    look(newer)
    world.wait(LIFETIME + 60)
    older = place_of(world, "v2", 10)
    look(older)
    assert claim_in(world).version == "v2"
    look(newer)
    assert claim_in(world).version == "v3"
    with pytest.raises(LeaseHeld, match="superseded by the run of v3"):
        older.check()


def test_whoever_holds_the_lease_leaves_a_newer_wish_waiting() -> None:
    world = fleet_of(3)
    older, newer = place_of(world, "v2", 10), place_of(world, "v3", 20)
    older.check()
    look(newer)
    older.taken()
    newer.check()
    assert claim_in(world).version == "v3"
    assert claim_in(world).stands(world.time)


def test_of_two_that_claim_at_once_one_wins_and_the_other_reads_again() -> None:
    world = held_for(60)
    older, newer = place_of(world, "v2", 10), place_of(world, "v3", 20)
    seen_by_older, seen_by_newer = older.check(), newer.check()
    older.keep(seen_by_older)
    newer.keep(seen_by_newer)
    assert claim_in(world).version == "v2"
    look(newer)
    assert claim_in(world).version == "v3"
    with pytest.raises(LeaseHeld, match="superseded"):
        older.check()


def test_of_two_that_claim_at_once_the_older_one_is_refused_where_the_newer_wins() -> None:
    world = held_for(60)
    older, newer = place_of(world, "v2", 10), place_of(world, "v3", 20)
    seen_by_older = older.check()
    look(newer)
    older.keep(seen_by_older)
    assert claim_in(world).version == "v3"
    with pytest.raises(LeaseHeld, match="superseded"):
        older.check()


def test_a_damaged_claim_is_named() -> None:
    world = held_for(60)
    world.create(WAITING, b'{"schema": 1, "id": "x"}', {})
    with pytest.raises(DeployError, match=r"waiting.json has no `owner`"):
        roll(world, asked("v2", 10))


@pytest.mark.parametrize("moment", range(1, 40))
def test_an_older_wish_never_follows_a_newer_one_that_came_later(moment: int) -> None:
    """Whatever the older run is about to do to the bucket when the newer one comes, waits, and rolls."""
    world = Between(**vars(held_for(20)))
    rolled: list[str] = []
    world.before(moment, lambda: passes(world, "v3", 20, rolled))
    passes(world, "v2", 10, rolled)
    assert rolled in (["v3"], ["v2", "v3"], ["v2"])


@pytest.mark.parametrize("moment", range(1, 40))
def test_an_older_wish_never_jumps_ahead_of_a_newer_one_that_came_before(moment: int) -> None:
    """Nor does it keep the newer one out, whatever that is about to do when the older one comes."""
    world = Between(**vars(held_for(20)))
    rolled: list[str] = []
    world.before(moment, lambda: passes(world, "v2", 10, rolled))
    passes(world, "v3", 20, rolled)
    assert rolled in (["v3"], ["v2", "v3"])


def test_a_run_that_waits_bears_with_what_is_refused_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    world = held_for(60)
    get = World.get

    def throttled(self: World, key: str) -> Stored | None:
        if 1_000_010 < self.time < 1_000_030:
            raise Refused("s3:GetObject was throttled")
        return get(self, key)

    monkeypatch.setattr(World, "get", throttled)
    assert roll(world, asked("v2", 10)).ending.result is Result.SUCCEEDED


class Between(World):
    """A world in which somebody comes just before the n-th thing that one run does to the bucket."""

    calls = 0
    moment = 0
    come: Callable[[], None]

    def before(self, moment: int, come: Callable[[], None]) -> None:
        self.moment, self.come = moment, come

    def get(self, key: str) -> Stored | None:
        self._called()
        return super().get(key)

    def create(self, key: str, body: bytes, tags: Mapping[str, str]) -> str:
        self._called()
        return super().create(key, body, tags)

    def replace(self, key: str, body: bytes, etag: str) -> str:
        self._called()
        return super().replace(key, body, etag)

    def _called(self) -> None:
        self.calls += 1
        if self.calls == self.moment:
            self.come()


def passes(world: World, version: str, as_of: float, rolled: list[str]) -> None:
    """One run from its first look to its end: it waits if it must, and has the group for ten seconds."""
    with suppress(LeaseHeld), place_of(world, version, as_of) as place:
        lease = acquire(place, world, LEASE, world, patience=60)
        place.taken()
        rolled.append(version)
        world.wait(10)
        lease.release()
