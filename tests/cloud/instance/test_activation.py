"""A release comes, another replaces it, and what was right stays as it is."""

from __future__ import annotations

import stat

from deployer.core.marker import Marker
from tests.cloud.instance.instances import PARAMETER, PASSWORD, Instance


def test_the_first_release_runs_with_its_environment(first_activation: tuple[Instance, Marker]) -> None:
    instance, marker = first_activation

    assert (marker.outcome, marker.reason) == ("activated", "")
    assert marker.proves("v1", instance.publish("v1").manifest_sha256, 1)
    assert set(marker.seconds) == {"fetch", "pull", "up", "health"}
    assert instance.get(8080) == (200, "v1 hello")
    assert instance.get(9080) == (200, "3 hello")
    assert instance.environment_of("orange") == {"GREETING": "hello", "PASSWORD": PASSWORD, "TZ": "Asia/Seoul"}


def test_the_environment_is_on_tmpfs_for_root_alone(serving: Instance) -> None:
    kept = serving.root / "run/deployer/Orange/v1.env"

    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert (serving.home / "releases/v1/.env").readlink() == kept
    everywhere_else = [path for path in serving.home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in everywhere_else if PASSWORD.encode() in path.read_bytes()]


def test_only_the_last_two_releases_are_kept(instance: Instance) -> None:
    v1, v2, v3 = instance.publish("v1"), instance.publish("v2"), instance.publish("v3")
    instance.run("activate", v1, 1)
    assert instance.run("activate", v2, 2).proves("v2", v2.manifest_sha256, 2)

    assert instance.get() == (200, "v2 hello")

    assert instance.run("activate", v3, 3).proves("v3", v3.manifest_sha256, 3)

    assert instance.get() == (200, "v3 hello")
    assert sorted(path.name for path in (instance.home / "releases").iterdir()) == ["v2", "v3"]
    assert {v2.image, v3.image} < set(instance.engine().images())
    assert v1.image not in instance.engine().images()


def test_activating_what_runs_touches_no_container_and_follows_the_generation(serving: Instance) -> None:
    v1, generation, before = serving.publish("v1"), serving.next_generation(), serving.containers()

    marker = serving.run("activate", v1, generation)

    assert marker.outcome == "unchanged"
    assert marker.proves("v1", v1.manifest_sha256, generation)
    assert serving.containers() == before


def test_an_older_generation_is_fenced(serving: Instance) -> None:
    v1, v2, newer = serving.publish("v1"), serving.publish("v2"), serving.next_generation()
    serving.run("activate", v1, newer)

    marker = serving.run("activate", v2, newer - 1)

    assert (marker.outcome, marker.version, marker.generation) == ("fenced", "v1", newer)
    assert f"generation {newer - 1} is older than {newer}" in marker.reason
    assert serving.get() == (200, "v1 hello")


def test_prefetch_brings_files_and_images_and_touches_nothing_that_serves(serving: Instance) -> None:
    generation, before = serving.next_generation(), serving.containers()
    next_one = serving.publish("next")

    marker = serving.run("prefetch", next_one, generation)

    assert (marker.outcome, marker.version, marker.generation) == ("unchanged", "v1", generation - 1)
    assert next_one.image in serving.engine().images()
    assert (serving.home / "releases/next/files/docker-compose.yml").exists()
    assert serving.containers() == before


def test_down_takes_the_application_away_and_fences_what_comes_late(instance: Instance) -> None:
    v1 = instance.publish("v1")
    instance.run("activate", v1, 1)

    marker = instance.run("down", generation=2)

    assert (marker.outcome, marker.version, marker.generation) == ("activated", "", 0)
    assert instance.containers() == {}
    assert instance.run("activate", v1, 1).outcome == "fenced"


def test_down_where_nothing_runs_still_fences_what_comes_late(instance: Instance) -> None:
    assert instance.run("down", generation=2).reason == "nothing runs here"

    late = instance.run("activate", instance.publish("v1"), 1)

    assert (late.outcome, late.version) == ("fenced", "")
    assert instance.containers() == {}


def test_a_path_of_parameters_gives_each_variable_its_exact_bytes(instance: Instance) -> None:
    pem = '-----BEGIN KEY-----\nMII$E/+=\\"\n-----END KEY-----\n'
    for name, value in {"app/PEM": pem, "GREETING": " hé llo #1 "}.items():
        instance.ssm.put_parameter(Name=f"{PARAMETER}/{name}", Value=value, Type="SecureString")

    instance.run("activate", instance.publish("v1", parameters=f"{PARAMETER}/"), 1)

    assert instance.environment_of("promtail") == {"PEM": pem, "GREETING": " hé llo #1 "}


def test_a_pinned_parameter_stays_what_it_was(instance: Instance) -> None:
    for value in ("GREETING=first", "GREETING=second"):
        instance.ssm.put_parameter(Name="/pinned", Value=value, Type="SecureString", Overwrite=True)

    instance.run("activate", instance.publish("v1", parameters="/pinned:1"), 1)

    assert instance.get() == (200, "v1 first")
