"""Rollouts over real HTTP that lose an instance: it dies, falls silent, or never gets healthy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.aws.run_command import Tempo
from localcloud.faults import Asked
from tests.cloud.delivery import Delivery, delivering
from tests.cloud.rollout.under_way import check_all_run, instance_in, rest, until
from tests.waiting import eventually

QUICK = ("--instance-timeout", "21s")  # a second more than what a healthy release is given


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    """A group of three behind a load balancer; what is not delivered in 2 s instead of 60 s is given up."""
    with delivering(tmp_path_factory, instances=3, tempo=Tempo(delivery=2 / 60)) as delivery:
        yield delivery


@pytest.fixture
def faults(at_rest: Delivery) -> Iterator[Any]:
    """Makes something go wrong on an instance; what is left of it ends with the test."""
    begun: list[Asked] = []

    def start(name: str, instance: str) -> None:
        at_rest.cloud.inject(Asked(name, instance))
        begun.append(Asked(name, instance, clear=True))

    yield start
    for each in begun:
        if each.name != "instance-dies" and each.instance in at_rest.cloud.run_command.agents:
            at_rest.cloud.inject(each)


def _during(delivery: Delivery, faults: Any, fault: str, when: str) -> tuple[int, str, str]:
    """Exit code and log of a rollout, and the instance that was lost as it was about to do what the log says."""
    with delivery.start("rollout", "--version", delivery.fresh(), *QUICK) as rollout:
        said = until(rollout, when)
        lost = instance_in(said)
        faults(fault, lost)
        said += rest(rollout)
    return rollout.returncode, said, lost


def test_an_instance_that_dies_in_its_activation_turns_the_rollout_back_and_is_named(
    at_rest: Delivery, faults: Any
) -> None:
    before = at_rest.desired()
    code, said, lost = _during(at_rest, faults, "instance-dies", "activating")
    assert code == 4, said
    assert lost in said.splitlines()[-2]
    eventually("it is replaced", lambda: len(set(at_rest.in_service()) - {lost}) == 3)
    assert at_rest.suspended() == set()
    check_all_run(at_rest, before)


def test_an_instance_whose_agent_falls_silent_is_not_called_done(at_rest: Delivery, faults: Any) -> None:
    before = at_rest.desired()
    code, said, lost = _during(at_rest, faults, "silent-agent", "leaving the load balancer")
    assert code == 4, said
    assert lost in said.splitlines()[-2]
    at_rest.cloud.inject(Asked("silent-agent", lost, clear=True))
    at_rest.bring_to(before)
    check_all_run(at_rest, before)


def test_a_silent_agent_is_found_out_before_anything_is_changed(at_rest: Delivery, faults: Any) -> None:
    before = at_rest.desired()
    [silent, *_] = at_rest.in_service()
    faults("silent-agent", silent)
    done = at_rest.run("rollout", "--version", at_rest.fresh())
    assert done.returncode == 1, done.stderr
    assert silent in done.stderr
    check_all_run(at_rest, before)


def test_a_canary_the_load_balancer_never_calls_healthy_turns_the_rollout_back(at_rest: Delivery, faults: Any) -> None:
    before = at_rest.desired()
    with at_rest.start("rollout", "--version", at_rest.fresh(), *QUICK) as rollout:
        said = until(rollout, "leaving the load balancer")
        canary = instance_in(said)
        faults("target-unhealthy", canary)
        said += until(rollout, "▸ restore")
        at_rest.cloud.inject(Asked("target-unhealthy", canary, clear=True))
        said += rest(rollout)
    assert rollout.returncode == 3, said
    assert f"{canary}: still joining after 21 s" in said
    check_all_run(at_rest, before)
