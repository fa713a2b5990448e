"""Runners killed in the middle, at each stage of a rollout, and the run that comes after them."""

from __future__ import annotations

import pytest

from tests.cloud.delivery import Delivery
from tests.cloud.rollout.under_way import AT_ONCE, check_all_run, expire_lease, until

IN_CANARY = ((), ("activating",))
IN_WINDOW = (("--max-unavailable", "2"), ("✓ v", "activating"))
AFTER_PROMOTE = ((*AT_ONCE, "--bake", "5m"), ("desired release is",))


def _kill(delivery: Delivery, version: str, policy: tuple[str, ...], texts: tuple[str, ...]) -> int:
    """Rolls a release out and kills the runner once it has said the texts; returns the generation it died with."""
    with delivery.start("rollout", "--version", version, *policy) as rollout:
        until(rollout, *texts)
        rollout.kill()
    assert delivery.suspended() == {"AZRebalance", "HealthCheck", "ReplaceUnhealthy"}
    return int(delivery.document("lease.json")["generation"])


@pytest.mark.parametrize(
    ("policy", "texts"), [IN_CANARY, IN_WINDOW, AFTER_PROMOTE], ids=["canary", "window", "promote"]
)
def test_the_same_release_rolled_out_again_finishes_it(
    at_rest: Delivery, policy: tuple[str, ...], texts: tuple[str, ...]
) -> None:
    version = at_rest.fresh()
    generation = _kill(at_rest, version, policy, texts)
    expire_lease(at_rest)
    done = at_rest.run("rollout", "--version", version, *AT_ONCE)
    assert done.returncode == 0, done.stderr
    check_all_run(at_rest, version)
    assert at_rest.document("lease.json")["generation"] == generation + 1


def test_a_rollback_after_a_runner_was_killed_in_the_window_brings_everybody_back(at_rest: Delivery) -> None:
    before = at_rest.desired()
    _kill(at_rest, at_rest.fresh(), *IN_WINDOW)
    expire_lease(at_rest)
    done = at_rest.run("rollback", "--version", before, *AT_ONCE)
    assert done.returncode == 0, done.stderr
    check_all_run(at_rest, before)
    assert at_rest.desired() == before


def test_a_rollback_whose_runner_was_killed_is_finished_by_the_same_run_again(at_rest: Delivery) -> None:
    """None names a version: the workflow is started again as it was, before and after the promotion."""
    before, bad = at_rest.desired(), at_rest.fresh()
    at_rest.bring_to(bad)
    for policy, texts in (IN_WINDOW, AFTER_PROMOTE):
        with at_rest.start("rollback", *policy) as rollback:
            until(rollback, *texts)
            rollback.kill()
        expire_lease(at_rest)
    done = at_rest.run("rollback", *AT_ONCE)
    assert done.returncode == 0, done.stderr
    check_all_run(at_rest, before)
    again = at_rest.run("rollback", *AT_ONCE)
    assert again.returncode == 2, again.stderr
    assert f"{before} is what orange-web was brought back to from {bad}" in again.stderr
    check_all_run(at_rest, before)


def test_a_broken_release_after_a_killed_runner_brings_everybody_back_to_the_one_before(at_rest: Delivery) -> None:
    before = at_rest.desired()
    at_rest.publish("broken", healthy=False)
    _kill(at_rest, at_rest.fresh(), *IN_WINDOW)
    expire_lease(at_rest)
    done = at_rest.run("rollout", "--version", "broken")
    assert done.returncode == 3, done.stderr
    check_all_run(at_rest, before)


def test_until_the_lease_of_a_killed_runner_expires_nobody_takes_over(at_rest: Delivery) -> None:
    version = at_rest.fresh()
    generation = _kill(at_rest, version, *IN_CANARY)
    refused = at_rest.run("rollout", "--version", version)
    assert refused.returncode == 5, refused.stderr
    assert at_rest.document("lease.json")["generation"] == generation
    expire_lease(at_rest)
    at_rest.bring_to(version)
    check_all_run(at_rest, version)
