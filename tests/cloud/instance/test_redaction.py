"""What an application logs when it fails may hold its secrets; none of them leaves the instance."""

from __future__ import annotations

from tests.cloud.instance.instances import Instance

LONG_SECRET = "".join(f"{number:04}-" for number in range(200))
"""Longer than what is shown of a container's log, so that its beginning is cut off; no part of it repeats."""


def test_a_secret_longer_than_what_is_shown_of_the_log_is_hidden_to_its_end(instance: Instance) -> None:
    instance.ssm.put_parameter(Name="/long", Value=f"SIGNING_SECRET={LONG_SECRET}\n", Type="SecureString")

    marker = instance.run("activate", instance.publish("v1", unhealthy=True, parameters="/long"), 1)

    assert instance.last is not None
    assert LONG_SECRET[-20:] not in instance.last.stdout + instance.last.stderr
    assert "cannot work with SIGNING_SECRET=***" in marker.reason
