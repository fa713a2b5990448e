"""A release that does not come up, or cannot be fetched: what runs afterwards, and what the marker says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deployer.core.marker import Marker
from tests.cloud.instance.bench import BUCKET, PASSWORD, Bench, Published
from tests.waiting import eventually


def test_an_unhealthy_release_gives_way_to_the_one_before(serving: Bench) -> None:
    generation = serving.next_generation()

    marker = serving.run("activate", serving.publish("v2", unhealthy=True), generation)

    assert (marker.outcome, marker.version, marker.generation) == ("restored", "v1", generation)
    assert marker.manifest_sha256 == serving.publish("v1").manifest_sha256
    assert "v2 is not healthy: http://localhost:8080/ answered 503 instead of 200" in marker.reason
    assert serving.get() == (200, "v1 hello")


def test_a_container_that_ends_is_named_with_its_exit_code(serving: Bench) -> None:
    marker = serving.run("activate", serving.publish("v2", exit_code=3), serving.next_generation())

    assert marker.outcome == "restored"
    assert "container orange exited with 3" in marker.reason


def test_a_first_release_that_is_unhealthy_is_taken_down(bench: Bench) -> None:
    marker = bench.run("activate", bench.publish("v1", unhealthy=True), 1)

    assert (marker.outcome, marker.version, marker.generation) == ("failed", "", 0)
    assert "there is no release before it" in marker.reason
    assert bench.containers() == {}
    assert bench.get() == (0, "")
    assert_secret_is_redacted(bench, marker)


def assert_secret_is_redacted(bench: Bench, marker: Marker) -> None:
    assert "cannot work with PASSWORD=***" in marker.reason
    assert bench.last is not None
    assert PASSWORD not in bench.last.stdout + bench.last.stderr
    assert "s3cr3t" not in bench.last.stdout + bench.last.stderr


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
    serving: Bench, changes: dict[str, Any], reason: str
) -> None:
    generation, before = serving.next_generation(), serving.containers()

    marker = serving.run("activate", serving.publish("v2", **changes), generation)

    assert (marker.outcome, marker.version, marker.generation) == ("failed", "v1", generation)
    assert reason in marker.reason
    assert serving.containers() == before


def test_a_missing_manifest_is_named(bench: Bench) -> None:
    marker = bench.run("activate", Published("v9", "0" * 64, ""), 1)

    assert (marker.outcome, marker.version) == ("failed", "")
    assert f"s3://{BUCKET}/Orange/releases/v9/release.json cannot be read" in marker.reason
    assert "NoSuchKey" in marker.reason


def test_a_manifest_that_was_exchanged_is_refused(bench: Bench) -> None:
    v1 = bench.publish("v1")
    bench.s3.put_object(Bucket=BUCKET, Key="Orange/releases/v1/release.json", Body=b"{}")

    marker = bench.run("activate", v1, 1)

    assert marker.outcome == "failed"
    assert f"checksum mismatch: s3://{BUCKET}/Orange/releases/v1/release.json" in marker.reason


def test_a_line_that_is_no_variable_is_counted_but_never_shown(serving: Bench) -> None:
    serving.ssm.put_parameter(Name="/bad", Value="# fine\nA=1\ntopsecret\n", Type="SecureString")

    marker = serving.run("activate", serving.publish("v2", parameters="/bad"), serving.next_generation())

    assert marker.reason == "parameters /bad: entry 2 is not NAME=VALUE"


def test_killed_at_any_point_says_so_and_a_rerun_finishes(bench: Bench) -> None:
    v1, v2 = bench.publish("v1"), bench.publish("v2")
    bench.run("activate", v1, 1)

    kill_when(bench, v2, lambda: (bench.home / "releases/v2/parts").exists())
    assert bench.run("status").version == "v1"
    assert bench.get() == (200, "v1 hello")

    kill_when(bench, v2, lambda: bench.state().get("attempt") == "v2")
    status = bench.run("status")
    assert (status.version, status.reason) == ("", "the activation of v2 has not ended")

    assert bench.run("activate", v2, 2).proves("v2", v2.manifest_sha256, 2)
    assert bench.get() == (200, "v2 hello")


def kill_when(bench: Bench, release: Published, moment: Callable[[], bool]) -> None:
    """SIGKILL for the whole process group, as SSM's timeout and cancel do."""
    under_way = bench.start("activate", release, 2)
    eventually("the moment to kill it", moment)
    under_way.kill()
    assert under_way.wait().exit_code is None
