"""The log of a rollout: what it says of instances that are not simply in service."""

from __future__ import annotations

import pytest

from deployer.core.fleet import Fleet, Instance
from deployer.core.orders import Delivery, Order, Reply
from deployer.rollout.report import Report
from tests.unit.fake_fleet import World
from tests.unit.rolling import fleet_of, roll, wish


def met(*fleets: Fleet) -> list[str]:
    world = World()
    report = Report(world, "orange-web")
    for fleet in fleets:
        report.meet(fleet)
    return world.lines


def test_who_is_in_service_and_well_needs_no_word() -> None:
    assert met(Fleet((Instance("i-0", "InService"),))) == []


def test_who_is_sick_or_on_standby_is_named_once() -> None:
    fleet = Fleet((Instance("i-0", "InService", healthy=False), Instance("i-1", "Standby")))
    lines = met(fleet, fleet)
    assert [each.split()[0] for each in lines] == ["i-0", "i-1"]
    assert "unhealthy" in lines[0]
    assert "no requests" in lines[1]


def test_a_newborn_is_named_when_it_is_born_and_when_it_is_there() -> None:
    before = Fleet((Instance("i-0", "InService"),))
    born = Fleet((*before.instances, Instance("i-1", "Pending:Wait")))
    there = Fleet((*before.instances, Instance("i-1", "InService"), Instance("i-2", "InService")))
    said = [each.strip() for each in met(before, born, there)]
    assert said[0].startswith("i-1  is being born (Pending:Wait)")
    assert said[1:] == ["i-1  is in service", "i-2  joined the group"]


def test_an_instance_in_doubt_is_said_to_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fleet_of(2)
    answer = World._answer

    def once_silent(world: World, instance_id: str, order: Order) -> Reply:
        reply = answer(world, instance_id, order)
        if order.subcommand == "activate":
            return Reply(instance_id, Delivery.UNHEARD, detail="SSM says DeliveryTimedOut")
        return reply

    monkeypatch.setattr(World, "_answer", once_silent)
    rolled = roll(world, wish())
    assert set(world.versions().values()) == {"v2"}
    assert rolled.ending.result.value == "succeeded"
    assert sum("DeliveryTimedOut: asking what it runs" in each for each in world.lines) == 2
