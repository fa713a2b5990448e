"""What the tests of a rollout share: a group at rest, a wish, and what is written afterwards."""

from __future__ import annotations

import json
from typing import Any

from deployer.core import keys
from deployer.core.plan import Limits
from deployer.core.release import Desired, ReleaseRef
from deployer.rollout.lease import Holder
from deployer.rollout.rollout import Rolled, Wish, roll_out
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


def wish(
    version: str = "v2", auto_rollback: bool = True, patience: float = 0, rollback: bool = False, **limits: Any
) -> Wish:
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
        rollback=rollback,
    )


def roll(world: World, asked: Wish) -> Rolled:
    return roll_out(asked, Ports(world, world, world, world, world))


def desired_of(world: World) -> Desired:
    return Desired.from_json(world.objects[keys.desired("orange", world.name)].body)


def record_of(world: World, generation: int) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(world.objects[keys.record("orange", world.name, generation)].body)
    return record


def left_behind(world: World, version: str, result: str, way_back: str = "v1", suspended: tuple[str, ...] = ()) -> None:
    """The record of an earlier rollout of `version`, which would have gone back to another."""
    back = ReleaseRef(way_back, sha_of(way_back)).to_json()
    record = {"schema": 1, "to": version, "way_back": back, "result": result, "suspended": suspended}
    world.create(keys.record("orange", world.name, 1), json.dumps(record).encode(), {})


def void(_: object) -> None:
    """Nothing comes of it."""
