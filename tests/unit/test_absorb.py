"""What is remembered of an instance when it is not seen for a while."""

from __future__ import annotations

from dataclasses import replace

from deployer.core.absorb import absorb
from deployer.core.fleet import Fleet, Instance
from deployer.core.plan import Limits, Plan, Target, turned_back
from deployer.core.progress import Progress, Stage, turned

PLAN = Plan(Target("v2", "ab" * 32, 7), Target("v1", "ab" * 32, 0), Limits(), True, True, 0.0)
FLEET = Fleet((Instance("i-0", "InService"),))


def test_an_instance_that_failed_left_and_came_back_still_counts_as_failed() -> None:
    failed = (
        absorb(PLAN, FLEET, Progress(), 0.0).moved(["i-0"], Stage.ACTIVATING, 1.0).moved(["i-0"], Stage.FAILED, 2.0)
    )
    back = absorb(PLAN, FLEET, absorb(PLAN, Fleet(()), failed, 3.0), 4.0)
    assert (back.of("i-0").stage, back.failed, back.touched) == (Stage.NEW, ("i-0",), ("i-0",))


def test_an_instance_that_left_amid_its_activation_and_came_back_may_still_be_at_it() -> None:
    told = absorb(PLAN, FLEET, Progress(), 0.0).moved(["i-0"], Stage.ACTIVATING, 1.0)
    assert absorb(PLAN, FLEET, absorb(PLAN, Fleet(()), told, 2.0), 3.0).of("i-0").in_doubt


def test_a_mark_from_before_is_no_new_one_when_its_instance_left_and_came_back() -> None:
    sick = Fleet((replace(FLEET.instances[0], healthy=False),))
    proven = absorb(PLAN, sick, Progress(), 0.0).moved(["i-0"], Stage.ACTIVATING, 1.0).moved(["i-0"], Stage.PROVEN, 2.0)
    assert absorb(PLAN, sick, proven, 3.0).of("i-0").stage is Stage.PROVEN
    assert absorb(PLAN, sick, absorb(PLAN, Fleet(()), proven, 3.0), 4.0).of("i-0").marked


def test_on_the_way_back_after_a_crash_who_comes_into_service_is_owed() -> None:
    back = turned_back(replace(PLAN, after_crash=True), 8)
    attached = Instance("i-1", "Pending")
    progress = turned(absorb(PLAN, FLEET, Progress(), 0.0), "v1", True, 1.0)
    coming = absorb(back, Fleet((*FLEET.instances, attached)), absorb(back, FLEET, progress, 2.0), 3.0)
    assert "i-1" not in coming.owing
    there = Fleet((*FLEET.instances, replace(attached, lifecycle="InService")))
    assert "i-1" in absorb(back, there, coming, 4.0).owing
