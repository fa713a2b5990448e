"""Prefetch finds out what an activation would miss, while the instance still takes part in the traffic."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.cloud.instance.instances import Instance


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("/no/such", "parameters /no/such cannot be read"),
        ("/no/such/", "parameters /no/such/: there are none"),
        ("/prefetch/bad", "parameters /prefetch/bad: entry 2 is not NAME=VALUE"),
        ("/prefetch/nul", "parameters /prefetch/nul: a value has a NUL byte"),
    ],
)
def test_an_environment_that_cannot_be_had_fails_the_prefetch(serving: Instance, parameters: str, reason: str) -> None:
    for name, value in {"bad": "A=1\ntopsecret\n", "nul": "A=1\nB=top\0secret\n"}.items():
        serving.ssm.put_parameter(Name=f"/prefetch/{name}", Value=value, Type="SecureString", Overwrite=True)
    before = serving.containers()

    marker = serving.run("prefetch", serving.publish("v2", parameters=parameters), serving.next_generation())

    assert (marker.outcome, marker.version) == ("failed", "v1")
    assert reason in marker.reason
    assert serving.containers() == before


def environments(instance: Instance) -> list[Path]:
    return sorted((instance.root / "run/deployer/Orange").iterdir())


def test_what_a_prefetch_read_is_for_root_alone_and_what_its_own_activation_starts_with(instance: Instance) -> None:
    instance.ssm.put_parameter(Name="/prefetch/env", Value="GREETING=early", Type="SecureString")
    v1 = instance.publish("v1", parameters="/prefetch/env")
    assert instance.run("prefetch", v1, 1).outcome == "unchanged"
    [ready] = environments(instance)
    assert (ready.read_text(), stat.S_IMODE(ready.stat().st_mode)) == ('GREETING="early"\n', 0o600)
    instance.ssm.delete_parameter(Name="/prefetch/env")  # nobody waits for it out of the load balancer

    marker = instance.run("activate", v1, 1)

    assert (marker.outcome, marker.parameters, instance.get()) == ("activated", "1", (200, "v1 early"))
    assert [each.name for each in environments(instance)] == ["v1.env"]


def test_an_activation_of_another_generation_reads_afresh(instance: Instance) -> None:
    instance.ssm.put_parameter(Name="/prefetch/late", Value="GREETING=early", Type="SecureString")
    v1 = instance.publish("v1", parameters="/prefetch/late")
    instance.run("prefetch", v1, 1)
    instance.ssm.put_parameter(Name="/prefetch/late", Value="GREETING=late", Type="SecureString", Overwrite=True)

    marker = instance.run("activate", v1, 2)

    assert (marker.parameters, instance.get()) == ("2", (200, "v1 late"))
    assert [each.name for each in environments(instance)] == ["v1.env"]


def test_values_in_quotes_are_taken_with_them_and_named(instance: Instance) -> None:
    instance.ssm.put_parameter(Name="/quoted", Value="GREETING=\"hi\"\nA='b'\nC=it's\nD=\"", Type="SecureString")

    instance.run("activate", instance.publish("v1", parameters="/quoted"), 1)

    assert instance.get() == (200, 'v1 "hi"')
    assert instance.last is not None
    assert "taken with the quotes around the value: GREETING, A\n" in instance.last.stdout


def test_a_release_that_runs_keeps_the_environment_it_was_started_with(instance: Instance) -> None:
    instance.ssm.put_parameter(Name="/prefetch/kept", Value="GREETING=first", Type="SecureString")
    v1 = instance.publish("v1", parameters="/prefetch/kept")
    instance.run("activate", v1, 1)
    instance.ssm.put_parameter(Name="/prefetch/kept", Value="GREETING=second", Type="SecureString", Overwrite=True)

    assert instance.run("prefetch", v1, 2).outcome == "unchanged"

    runs, ready = environments(instance)
    assert (runs.name, "first" in runs.read_text(), "second" in ready.read_text()) == ("v1.env", True, True)
    assert instance.get() == (200, "v1 first")
