"""Prefetch finds out what an activation would miss, while the instance still takes part in the traffic."""

from __future__ import annotations

import stat

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


def test_the_environment_is_there_for_root_alone_and_read_afresh_by_the_activation(instance: Instance) -> None:
    instance.ssm.put_parameter(Name="/prefetch/env", Value="GREETING=early", Type="SecureString")
    v1 = instance.publish("v1", parameters="/prefetch/env")
    assert instance.run("prefetch", v1, 1).outcome == "unchanged"
    kept = instance.root / "run/deployer/Orange/v1.env"
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == ('GREETING="early"\n', 0o600)
    instance.ssm.put_parameter(Name="/prefetch/env", Value="GREETING=late", Type="SecureString", Overwrite=True)

    instance.run("activate", v1, 1)

    assert instance.get() == (200, "v1 late")


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

    files = [path.name for path in (instance.root / "run/deployer/Orange").iterdir()]
    assert files == ["v1.env"]
    assert "first" in (instance.root / "run/deployer/Orange/v1.env").read_text()
