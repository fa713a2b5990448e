"""Rollouts that are not alone: two at once, and a group that grows or shrinks meanwhile."""

from __future__ import annotations

from tests.cloud.delivery import Delivery
from tests.cloud.rollout.under_way import AT_ONCE, check_all_run, rest, until
from tests.waiting import eventually


def test_of_two_rollouts_at_once_exactly_one_proceeds(at_rest: Delivery) -> None:
    one, other = at_rest.fresh(), at_rest.fresh()
    with (
        at_rest.start("rollout", "--version", one, *AT_ONCE) as first,
        at_rest.start("rollout", "--version", other, *AT_ONCE) as second,
    ):
        said = rest(first) + rest(second)
    codes = {one: first.returncode, other: second.returncode}
    assert sorted(codes.values()) == [0, 5], said
    [winner] = [version for version, code in codes.items() if code == 0]
    check_all_run(at_rest, winner)


def test_who_waits_for_the_lease_follows(at_rest: Delivery) -> None:
    one, other = at_rest.fresh(), at_rest.fresh()
    with at_rest.start("rollout", "--version", one, *AT_ONCE, "--bake", "3s") as first:
        said = until(first, "activating")
        with at_rest.start("rollout", "--version", other, *AT_ONCE, "--wait-for-lease", "1m") as second:
            said += until(second, "waiting for the rollout of")
            said += rest(first) + rest(second)
    assert (first.returncode, second.returncode) == (0, 0), said
    check_all_run(at_rest, other)


def test_a_group_that_shrinks_in_the_window_owes_nothing_for_who_left(at_rest: Delivery) -> None:
    version = at_rest.fresh()
    with at_rest.start("rollout", "--version", version, "--max-unavailable", "1") as rollout:
        said = until(rollout, "✓ v", "activating")
        at_rest.scale(1)
        said += rest(rollout)
    assert rollout.returncode == 0, said
    eventually("one in service", lambda: len(at_rest.in_service()) == 1)
    check_all_run(at_rest, version)


def test_a_group_that_grows_from_three_to_six_in_the_window_ends_on_one_release(at_rest: Delivery) -> None:
    version = at_rest.fresh()
    with at_rest.start("rollout", "--version", version, "--max-unavailable", "2") as rollout:
        said = until(rollout, "✓ v", "activating")
        at_rest.scale(6)
        said += rest(rollout)
    assert rollout.returncode == 0, said
    eventually("six in service", lambda: len(at_rest.in_service()) == 6)
    check_all_run(at_rest, version)
