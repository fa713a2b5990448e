"""How often a rollout looks and writes: calls grow with the time it takes, not with what happens in it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from deployer.core.errors import Refused
from deployer.core.quantities import Share
from tests.unit.fake_fleet import World
from tests.unit.rolling import fleet_of, roll, wish


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[float]:
    """The times at which a method of the world was called, from now on."""
    times: list[float] = []
    original: Callable[..., Any] = getattr(World, name)

    def call(world: World, *words: Any, **named: Any) -> Any:
        times.append(world.time)
        return original(world, *words, **named)

    monkeypatch.setattr(World, name, call)
    return times


def test_a_small_group_is_looked_at_as_soon_as_something_may_have_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fleet_of(3)
    looks = counted(monkeypatch, "observe")
    roll(world, wish())
    gaps = [after - before for before, after in pairwise(looks)]
    assert min(each for each in gaps if each) <= 0.21


def test_a_large_group_costs_few_looks_and_fewer_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fleet_of(1000, latency=60.0, behind_load_balancer=False)
    looks, writes = counted(monkeypatch, "observe"), counted(monkeypatch, "replace")
    began = world.time
    roll(world, wish(window=Share(33, True)))
    assert world.time - began < 1.15 * 60 * (1 + 1 + 4)  # the prefetch, the canary, and a thousand by 330
    assert len(looks) < 100
    assert len(writes) < 40


def test_refusals_in_a_row_are_answered_with_longer_and_longer_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fleet_of(3)
    looks = counted(monkeypatch, "observe")

    def throttled(_: World) -> None:
        looks.append(world.time)
        raise Refused("autoscaling was throttled")

    def begin() -> None:
        looks.clear()
        monkeypatch.setattr(World, "observe", throttled)

    world.later(1.0, begin)
    ended = roll(world, wish())
    assert "throttled" in ended.ending.reason
    gaps = [after - before for before, after in pairwise(looks)]
    assert gaps[3] > 2 * gaps[1]
    assert len(looks) < 15
