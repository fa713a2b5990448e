"""Containers that have done their work and ended: fine beside those that serve, but somebody has to serve."""

from __future__ import annotations

from typing import Any

from localcloud.runtime.process_image import push
from tests.cloud.instance.instances import Instance


def ended_promtail(instance: Instance) -> str:
    """An image that ends at once, and well."""
    return push(instance.surroundings.registry.address, "grafana/promtail", "ended", exit_code=0)


def check_no_url(manifest: dict[str, Any]) -> None:
    manifest["health"]["url"] = ""


def test_a_release_of_which_no_container_runs_on_is_not_healthy(serving: Instance) -> None:
    ended = serving.publish("v2", exit_code=0, promtail=ended_promtail(serving), spoil=check_no_url)

    marker = serving.run("activate", ended, serving.next_generation())

    assert (marker.outcome, marker.version) == ("restored", "v1")
    assert "v2 is not healthy: no container runs, each exited with 0" in marker.reason
    assert serving.get() == (200, "v1 hello")


def test_a_container_that_ended_well_beside_one_that_serves_is_fine(instance: Instance) -> None:
    v1 = instance.publish("v1", promtail=ended_promtail(instance))

    assert instance.run("activate", v1, 1).proves("v1", v1.manifest_sha256, 1)
    assert instance.run("status").reason == ""
