"""What is remembered of an instance when it is not seen for a while."""

from __future__ import annotations

from deployer.core.absorb import absorb
from deployer.core.fleet import Fleet, Instance
from deployer.core.plan import Limits, Plan, Target
from deployer.core.progress import Progress, Stage

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
