"""A release that does not come up, or cannot be fetched: what runs afterwards, and what the marker says of it."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.core.marker import Marker
from tests.cloud.instance.instances import BUCKET, PASSWORD, Instance, Published


def test_an_unhealthy_release_gives_way_to_the_one_before(serving: Instance) -> None:
    generation = serving.next_generation()

    marker = serving.run("activate", serving.publish("v2", unhealthy=True), generation)

    assert (marker.outcome, marker.version, marker.generation) == ("restored", "v1", generation)
    assert marker.manifest_sha256 == serving.publish("v1").manifest_sha256
    assert "v2 is not healthy: http://localhost:8080/ answered 503 instead of 200" in marker.reason
    assert serving.get() == (200, "v1 hello")


def test_a_container_that_ends_is_named_with_its_exit_code(serving: Instance) -> None:
    marker = serving.run("activate", serving.publish("v2", exit_code=3), serving.next_generation())

    assert marker.outcome == "restored"
    assert "container orange exited with 3" in marker.reason


def test_a_first_release_that_is_unhealthy_is_taken_down(instance: Instance) -> None:
    marker = instance.run("activate", instance.publish("v1", unhealthy=True), 1)

    assert (marker.outcome, marker.version, marker.generation) == ("failed", "", 0)
    assert "there is no release before it" in marker.reason
    assert instance.containers() == {}
    assert instance.get() == (0, "")
    assert_secret_is_redacted(instance, marker)


def assert_secret_is_redacted(instance: Instance, marker: Marker) -> None:
    assert "cannot work with PASSWORD=***" in marker.reason
    assert instance.last is not None
    assert PASSWORD not in instance.last.stdout + instance.last.stderr
    assert "s3cr3t" not in instance.last.stdout + instance.last.stderr


def spoil_a_checksum(manifest: dict[str, Any]) -> None:
    manifest["files"][0]["sha256"] = "0" * 64


def spoil_an_image(manifest: dict[str, Any]) -> None:
    manifest["images"]["promtail"] = manifest["images"]["promtail"].partition("@")[0] + "@sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"spoil": spoil_a_checksum}, f"checksum mismatch: s3://{BUCKET}/Orange/releases/v2/docker-compose.yml"),
        ({"spoil": spoil_an_image}, "cannot be pulled"),
        ({"parameters": "/no/such"}, "parameters /no/such cannot be read"),
        ({"parameters": "/no/such/"}, "parameters /no/such/: there are none"),
    ],
)
def test_what_cannot_be_fetched_is_named_and_the_release_before_serves_on(
    serving: Instance, changes: dict[str, Any], reason: str
) -> None:
    generation, before = serving.next_generation(), serving.containers()

    marker = serving.run("activate", serving.publish("v2", **changes), generation)

    assert (marker.outcome, marker.version, marker.generation) == ("failed", "v1", generation)
    assert reason in marker.reason
    assert serving.containers() == before


def test_a_missing_manifest_is_named(instance: Instance) -> None:
    marker = instance.run("activate", Published("v9", "0" * 64, ""), 1)

    assert (marker.outcome, marker.version) == ("failed", "")
    assert f"s3://{BUCKET}/Orange/releases/v9/release.json cannot be read: there is no such object" in marker.reason


def test_a_manifest_that_was_exchanged_is_refused(instance: Instance) -> None:
    v1 = instance.publish("v1")
    instance.s3.put_object(Bucket=BUCKET, Key="Orange/releases/v1/release.json", Body=b"{}")

    marker = instance.run("activate", v1, 1)

    assert marker.outcome == "failed"
    assert f"checksum mismatch: s3://{BUCKET}/Orange/releases/v1/release.json" in marker.reason


def test_a_manifest_that_no_shell_can_read_is_named(instance: Instance) -> None:
    marker = instance.run("activate", instance.publish("v1", indent=None), 1)

    assert marker.outcome == "failed"
    assert marker.reason.startswith(f"s3://{BUCKET}/Orange/releases/v1/release.json cannot be read: not one value a ")


def test_a_manifest_may_be_indented_otherwise(instance: Instance) -> None:
    v1 = instance.publish("v1", indent=4)

    assert instance.run("activate", v1, 1).proves("v1", v1.manifest_sha256, 1)


def test_a_line_that_is_no_variable_is_counted_but_never_shown(serving: Instance) -> None:
    serving.ssm.put_parameter(Name="/bad", Value="# fine\nA=1\ntopsecret\n", Type="SecureString")

    marker = serving.run("activate", serving.publish("v2", parameters="/bad"), serving.next_generation())

    assert marker.reason.startswith("parameters /bad: entry 2 is not NAME=VALUE (a value of several lines ")
