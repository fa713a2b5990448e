"""Rollouts over real HTTP while AWS, the network or the load balancer misbehave: none leaves a mixed fleet behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.faults import FAULTS, Asked
from tests.cloud.delivery import Delivery
from tests.cloud.rollout.under_way import AT_ONCE, check_all_run, rest, until


@pytest.fixture
def faults(at_rest: Delivery) -> Iterator[Any]:
    """Makes something go wrong; faults of calls end with the test."""
    yield lambda name, **wanted: at_rest.cloud.inject(Asked(name, **wanted))
    for name, fault in FAULTS.items():
        if not fault.needs:
            at_rest.cloud.inject(Asked(name, clear=True))


def _roll_out(delivery: Delivery, *policy: str) -> None:
    """Rolls a fresh release out, which must succeed everywhere, each order given to each instance once."""
    before, version = Counter(delivery.sent()), delivery.fresh()
    done = delivery.run("rollout", "--version", version, *AT_ONCE, *policy)
    assert done.returncode == 0, done.stderr
    check_all_run(delivery, version)
    repeated = [each for each, times in (Counter(delivery.sent()) - before).items() if times > 1]
    assert repeated == []


@pytest.mark.parametrize("operation", ["ssm:SendCommand", "ssm:ListCommandInvocations", "autoscaling"])
def test_a_throttled_operation_is_asked_for_again(at_rest: Delivery, faults: Any, operation: str) -> None:
    faults("throttling", operation=operation, calls=3)
    _roll_out(at_rest)


@pytest.mark.parametrize("fault", ["lost-reply", "server-error"])
def test_a_command_whose_answer_got_lost_is_not_sent_twice(at_rest: Delivery, faults: Any, fault: str) -> None:
    faults(fault, operation="ssm:SendCommand", calls=2)
    _roll_out(at_rest)


def test_writes_that_meet_others_are_tried_again(at_rest: Delivery, faults: Any) -> None:
    faults("s3-conflict", calls=2)
    _roll_out(at_rest)


def test_a_write_whose_answer_got_lost_is_known_again(at_rest: Delivery, faults: Any) -> None:
    version = at_rest.fresh()
    with at_rest.start("rollout", "--version", version, *AT_ONCE) as rollout:
        said = until(rollout, "generation")
        faults("lost-reply", operation="s3:PutObject", calls=3)
        said += rest(rollout)
    assert rollout.returncode == 0, said
    check_all_run(at_rest, version)


def test_commands_delivered_twice_change_nothing(at_rest: Delivery, faults: Any) -> None:
    for each in at_rest.in_service():
        faults("duplicate-delivery", instance=each, calls=2, seconds=0.5)
    _roll_out(at_rest)


def test_an_instance_whose_answer_got_lost_is_asked_what_it_runs(at_rest: Delivery, faults: Any) -> None:
    version = at_rest.fresh()
    with at_rest.start("rollout", "--version", version) as rollout:
        said = until(rollout, "leaving the load balancer")
        for each in at_rest.in_service():
            faults("lost-answer", instance=each)
        said += rest(rollout)
    assert rollout.returncode == 0, said
    assert "asking what it runs" in said
    check_all_run(at_rest, version)
