"""A release comes, another replaces it, and what was right stays as it is."""

from __future__ import annotations

import stat

from tests.cloud.instance.bench import APP, BUCKET, PARAMETER, PASSWORD, Bench


def test_the_first_release_runs_with_its_environment(bench: Bench) -> None:
    v1 = bench.publish("v1")

    marker = bench.run("activate", v1, 1)

    assert (marker.outcome, marker.reason) == ("activated", "")
    assert marker.proves("v1", v1.manifest_sha256, 1)
    assert set(marker.seconds) == {"fetch", "pull", "up", "health"}
    assert bench.get(8080) == (200, "v1 hello")
    assert bench.get(9080) == (200, "3 hello")
    assert bench.environment_of("orange") == {"GREETING": "hello", "PASSWORD": PASSWORD, "TZ": "Asia/Seoul"}


def test_the_environment_is_on_tmpfs_for_root_alone(serving: Bench) -> None:
    kept = serving.root / "run/deployer/Orange/v1.env"

    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert (serving.home / "releases/v1/.env").readlink() == kept
    everywhere_else = [path for path in serving.home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in everywhere_else if PASSWORD.encode() in path.read_bytes()]


def test_later_releases_replace_earlier_ones_and_only_the_last_two_are_kept(bench: Bench) -> None:
    v1, v2, v3 = bench.publish("v1"), bench.publish("v2"), bench.publish("v3")
    bench.run("activate", v1, 1)
    bench.run("activate", v2, 2)
    assert bench.get() == (200, "v2 hello")

    marker = bench.run("activate", v3, 3)

    assert marker.proves("v3", v3.manifest_sha256, 3)
    assert bench.get() == (200, "v3 hello")
    assert sorted(path.name for path in (bench.home / "releases").iterdir()) == ["v2", "v3"]
    assert {v2.image, v3.image} < set(bench.engine().images())
    assert v1.image not in bench.engine().images()


def test_what_an_earlier_release_has_on_this_instance_is_not_fetched_again(bench: Bench) -> None:
    v1, v2 = bench.publish("v1"), bench.publish("v2")
    bench.run("activate", v1, 1)
    for path in ("activate", "promtail-config.yml"):
        bench.s3.delete_object(Bucket=BUCKET, Key=f"{APP}/releases/v2/{path}")

    marker = bench.run("activate", v2, 2)

    assert marker.proves("v2", v2.manifest_sha256, 2)
    assert (bench.home / "releases/v2/files/promtail-config.yml").read_bytes()


def test_activating_what_runs_touches_no_container_and_follows_the_generation(serving: Bench) -> None:
    v1, generation, before = serving.publish("v1"), serving.next_generation(), serving.containers()

    marker = serving.run("activate", v1, generation)

    assert marker.outcome == "unchanged"
    assert marker.proves("v1", v1.manifest_sha256, generation)
    assert serving.containers() == before


def test_an_older_generation_is_fenced(serving: Bench) -> None:
    v1, v2, newer = serving.publish("v1"), serving.publish("v2"), serving.next_generation()
    serving.run("activate", v1, newer)

    marker = serving.run("activate", v2, newer - 1)

    assert (marker.outcome, marker.version, marker.generation) == ("fenced", "v1", newer)
    assert f"generation {newer - 1} is older than {newer}" in marker.reason
    assert serving.get() == (200, "v1 hello")


def test_prefetch_brings_files_and_images_and_touches_nothing_that_serves(serving: Bench) -> None:
    generation, before = serving.next_generation(), serving.containers()
    next_one = serving.publish("next")

    marker = serving.run("prefetch", next_one, generation)

    assert (marker.outcome, marker.version, marker.generation) == ("unchanged", "v1", generation - 1)
    assert next_one.image in serving.engine().images()
    assert (serving.home / "releases/next/files/docker-compose.yml").exists()
    assert serving.containers() == before


def test_down_takes_the_application_away_and_fences_what_comes_late(bench: Bench) -> None:
    v1 = bench.publish("v1")
    bench.run("activate", v1, 1)

    marker = bench.run("down", generation=2)

    assert (marker.outcome, marker.version, marker.generation) == ("activated", "", 0)
    assert bench.containers() == {}
    assert bench.run("activate", v1, 1).outcome == "fenced"


def test_down_where_nothing_runs_still_fences_what_comes_late(bench: Bench) -> None:
    assert bench.run("down", generation=2).reason == "nothing runs here"

    late = bench.run("activate", bench.publish("v1"), 1)

    assert (late.outcome, late.version) == ("fenced", "")
    assert bench.containers() == {}


def test_a_path_of_parameters_gives_each_variable_its_exact_bytes(bench: Bench) -> None:
    pem = '-----BEGIN KEY-----\nMII$E/+=\\"\n-----END KEY-----\n'
    for name, value in {"app/PEM": pem, "GREETING": " hé llo #1 "}.items():
        bench.ssm.put_parameter(Name=f"{PARAMETER}/{name}", Value=value, Type="SecureString")

    bench.run("activate", bench.publish("v1", parameters=f"{PARAMETER}/"), 1)

    assert bench.environment_of("promtail") == {"PEM": pem, "GREETING": " hé llo #1 "}


def test_a_pinned_parameter_stays_what_it_was(bench: Bench) -> None:
    for value in ("GREETING=first", "GREETING=second"):
        bench.ssm.put_parameter(Name="/pinned", Value=value, Type="SecureString", Overwrite=True)

    bench.run("activate", bench.publish("v1", parameters="/pinned:1"), 1)

    assert bench.get() == (200, "v1 first")
