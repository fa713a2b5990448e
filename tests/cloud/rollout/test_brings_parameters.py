"""A parameter that changed is drift; rolling the same release out again brings it to every instance."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from localcloud.runtime.process_behaviour import STATUS
from tests.cloud.client import client_of
from tests.cloud.delivery import Delivery, delivering

ROLL = ("rollout", "--version", "v1", "--canary", "0", "--max-unavailable", "100%")


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    """A group of two behind a load balancer."""
    with delivering(tmp_path_factory, instances=2) as delivery:
        yield delivery


def put(delivery: Delivery, value: str) -> str:
    """The next value of the group's parameter; returns its version."""
    ssm, name = client_of(delivery.cloud, "ssm"), delivery.cloud.options.parameters
    return str(ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)["Version"])


def told(delivery: Delivery) -> tuple[str, set[str], set[str]]:
    """What `status` says: in one word, the versions of parameters that run, and the reasons."""
    found = json.loads(delivery.run("status", "--json").stdout)
    [rows] = found["instances"].values()
    return found["status"], {row["parameters"] for row in rows}, {row["reason"] for row in rows}


def test_status_and_plan_tell_and_a_rollout_of_the_same_release_brings_it_along(on_v1: Delivery) -> None:
    old = put(on_v1, "GREETING=old")
    assert on_v1.run(*ROLL).returncode == 0
    assert told(on_v1) == ("converged", {old}, {""})
    assert on_v1.run("plan", "--version", "v1").returncode == 0
    new = put(on_v1, "GREETING=new")

    drift = f"{on_v1.cloud.options.parameters} has version {new}, this runs {old}"
    assert told(on_v1) == ("drifted", {old}, {f"{drift}: roll the same version out to bring it along"})
    plan = on_v1.run("plan", "--version", "v1")
    assert (plan.returncode, plan.stdout.count(drift)) == (10, 2)
    done = on_v1.run(*ROLL)

    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).count("leaving the load balancer") == 2  # their containers were swapped
    assert told(on_v1) == ("converged", {new}, {""})
    record = on_v1.document(f"rollouts/{on_v1.document('lease.json')['generation']:010}.json")
    assert {each["parameters"] for each in record["instances"].values()} == {new}


def test_parameters_that_make_the_release_unhealthy_leave_every_instance_with_those_it_had(on_v1: Delivery) -> None:
    [old] = told(on_v1)[1]
    new = put(on_v1, f"GREETING=sick\n{STATUS}=503")

    done = on_v1.run("rollout", "--version", "v1")

    assert done.returncode == 3, done.stderr
    assert f"has version {new}, this runs {old}, and with the newer v1 is not healthy" in done.stderr
    assert on_v1.answers() == {"v1"}
    assert told(on_v1)[:2] == ("drifted", {old})
    put(on_v1, "GREETING=well again")
    assert on_v1.run(*ROLL).returncode == 0
