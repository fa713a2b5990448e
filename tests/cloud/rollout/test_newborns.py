"""Instances that are born while something goes on: a rollout, or AWS asked for more than it answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.faults import Asked
from tests.cloud.delivery import Delivery, delivering
from tests.cloud.rollout.under_way import check_all_run, rest, until
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(400)
GROUP = 3
NEWBORNS = 20


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    """A group of three that may grow by twenty; on each instance the scripts really run."""
    with delivering(tmp_path_factory, instances=GROUP, max_size=GROUP + NEWBORNS) as delivery:
        yield delivery


def test_newborns_wait_at_random_while_aws_is_asked_too_often(on_v1: Delivery) -> None:
    """For longer than the AWS CLI tries by itself: in reading, in Parameter Store, and in answering the group."""
    for service, seconds in (("s3", 12), ("ssm", 24), ("autoscaling:CompleteLifecycleAction", 30)):
        on_v1.cloud.inject(Asked("throttling", operation=service, seconds=seconds))

    on_v1.scale(GROUP + 3)

    eventually("all are in service", lambda: len(on_v1.in_service()) == GROUP + 3, patience=120)
    assert on_v1.answers() == {"v1"}
    abandoned = [each for each in on_v1.cloud.fleet.activities if each.status == "Cancelled"]
    assert abandoned == []


def test_twenty_at_once_in_the_window_of_a_rollout_end_on_its_release(on_v1: Delivery) -> None:
    version = on_v1.fresh()
    with on_v1.start("rollout", "--version", version, "--max-unavailable", "34%") as rollout:
        said = until(rollout, "✓ v", "activating")
        on_v1.scale(GROUP + NEWBORNS)
        said += rest(rollout, patience=240)
    assert rollout.returncode == 0, said
    eventually("all are in service", lambda: len(on_v1.in_service()) == GROUP + NEWBORNS, patience=60)
    check_all_run(on_v1, version)
