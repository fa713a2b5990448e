"""Whose answer is awaited: the one to the last order, and nothing of who was given up."""

from __future__ import annotations

import pytest

from deployer.core.marker import Marker
from deployer.core.orders import Delivery, Reply, Sent
from deployer.core.plan import Target
from deployer.rollout.dispatch import Dispatch
from tests.unit.fake_fleet import Host, World

TARGET = Target("v2", "ab" * 32, 7)


def at(size: int) -> tuple[World, Dispatch]:
    world = World(hosts={f"i-{each}": Host() for each in range(size)}, latency=2.0)
    return world, Dispatch(world, 7)


def send(dispatch: Dispatch, subcommand: str, *ids: str) -> None:
    for _ in dispatch.send(subcommand, TARGET, 60, ids):
        pass


def test_an_answer_is_given_once() -> None:
    world, dispatch = at(2)
    send(dispatch, "activate", "i-0", "i-1")
    assert not list(dispatch.replies())
    world.wait(2)
    assert [each.instance_id for each in dispatch.replies()] == ["i-0", "i-1"]
    assert not list(dispatch.replies())


def test_the_answer_to_an_order_that_was_followed_by_another_is_not_waited_for() -> None:
    world, dispatch = at(1)
    send(dispatch, "activate", "i-0")
    world.wait(1)
    send(dispatch, "prefetch", "i-0")
    world.wait(1)
    assert not list(dispatch.replies())
    world.wait(1)
    [reply] = dispatch.replies()
    assert reply.marker is not None
    assert reply.marker.outcome == "unchanged"


def test_a_command_found_again_for_more_of_its_instances_is_waited_for_by_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, dispatch = at(2)
    send(dispatch, "activate", "i-0", "i-1")
    dispatch.forget(["i-1"])
    monkeypatch.setattr(World, "send", lambda *_: iter([Sent({"command-0": ("i-1",)})]))
    send(dispatch, "activate", "i-1")
    world.wait(2)
    assert [each.instance_id for each in dispatch.replies()] == ["i-0", "i-1"]


def test_who_left_the_group_is_not_waited_for() -> None:
    world, dispatch = at(2)
    send(dispatch, "activate", "i-0", "i-1")
    dispatch.forget(["i-0"])
    world.wait(2)
    assert [each.instance_id for each in dispatch.replies()] == ["i-1"]


def test_giving_up_cancels_what_is_under_way_and_waits_for_nothing_more() -> None:
    world, dispatch = at(1)
    send(dispatch, "activate", "i-0")
    dispatch.give_up()
    world.wait(2)
    assert not list(dispatch.replies())
    assert world.commands["command-0"][2] == ()


def test_every_order_has_an_id_of_its_own_within_the_group() -> None:
    world, dispatch = at(1)
    send(dispatch, "prefetch", "i-0")
    send(dispatch, "status", "i-0")
    assert [order.id for _, order, _ in world.commands.values()] == ["7.1", "7.2"]


def test_a_fleet_answers_with_what_it_runs() -> None:
    world, dispatch = at(1)
    send(dispatch, "status", "i-0")
    world.wait(2)
    [reply] = dispatch.replies()
    assert reply == Reply("i-0", Delivery.ANSWERED, reply.marker)
    assert isinstance(reply.marker, Marker)
    assert reply.marker.version == "v1"
