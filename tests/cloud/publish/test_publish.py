"""`publish` from a working directory into a bucket over HTTP: complete, once, and never another thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployer.aws.bucket import Bucket
from deployer.core.errors import EXIT_DONE, EXIT_FAILED
from deployer.core.release import Release, sha256_of
from deployer.core.store import Stored
from tests.cloud.publish.checkouts import COMPOSE, ORANGE, objects, publish
from tests.cloud.registry_stub import RegistryStub


def test_release_is_complete_and_every_file_is_what_the_manifest_says(
    s3: Any, checkout: Path, registry: RegistryStub, capsys: pytest.CaptureFixture[str]
) -> None:
    promtail = registry.add("grafana/promtail", "latest")
    assert publish() == EXIT_DONE
    found = objects(s3)
    manifest = found.pop("orange/releases/v1/release.json")
    release = Release.from_json(manifest)
    assert release.images == {
        "spring_server": ORANGE,
        "promtail": f"{registry.host}/grafana/promtail@{promtail}",
    }
    assert release.compose == ("docker-compose.yml", "compose.images.yml")
    assert release.registries == {}
    assert (release.environment.parameters, release.environment.file) == ("/orange/env", "../.env")
    named = {f"orange/releases/v1/{each.path}": each.sha256 for each in release.files}
    named[f"orange/releases/v1/{release.activate.path}"] = release.activate.sha256
    assert {key: sha256_of(body) for key, body in found.items()} == named
    assert {each.path: each.size for each in release.files}["promtail-config.yml"] == 45
    assert found["orange/releases/v1/docker-compose.yml"] == (checkout / "docker-compose.yml").read_bytes()
    answer = json.loads(capsys.readouterr().out)
    assert (answer["version"], answer["manifest-sha256"]) == ("v1", sha256_of(manifest))


@pytest.mark.usefixtures("checkout")
def test_objects_and_manifest_say_which_run_and_commit_they_are_from(s3: Any) -> None:
    run = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SHA": "a" * 40,
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REPOSITORY": "awesomeorange/orange",
        "GITHUB_RUN_ID": "77",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_ACTOR": "octocat",
    }
    assert publish(run) == EXIT_DONE
    for key in objects(s3):
        tags = s3.get_object_tagging(Bucket="releases", Key=key)["TagSet"]
        assert {each["Key"]: each["Value"] for each in tags} == {"version": "v1", "git-sha": "a" * 40, "run-id": "77"}
    release = Release.from_json(objects(s3)["orange/releases/v1/release.json"])
    assert (release.git.sha, release.git.ref, release.run.id, release.run.attempt) == (
        "a" * 40, "refs/heads/main", "77", "2",
    )  # fmt: skip
    assert release.run.url.startswith("https://github.com/awesomeorange/orange/actions/runs/77")


@pytest.mark.usefixtures("checkout")
def test_same_content_again_is_a_no_op_even_when_a_tag_has_moved(
    s3: Any, registry: RegistryStub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == EXIT_DONE
    first, before = json.loads(capsys.readouterr().out), objects(s3)
    registry.add("grafana/promtail", "latest", {"moved": "yes"})
    assert publish({"GITHUB_RUN_ID": "78"}) == EXIT_DONE
    assert json.loads(capsys.readouterr().out) == first
    assert objects(s3) == before


def test_same_version_with_other_content_is_an_error_that_names_what_differs(
    s3: Any, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == EXIT_DONE
    before = objects(s3)
    capsys.readouterr()
    (checkout / "promtail-config.yml").write_text("other")
    assert publish(images=f"spring_server=team/orange@sha256:{'e' * 64}", health_status="204") == EXIT_FAILED
    error = json.loads(capsys.readouterr().out)["error"]
    for named in ("image of spring_server differs", "file promtail-config.yml differs", "health differs"):
        assert named in error
    assert objects(s3) == before


@pytest.mark.parametrize(("status", "exit_code"), [("200", EXIT_DONE), ("204", EXIT_FAILED)])
@pytest.mark.usefixtures("checkout")
def test_run_that_loses_the_race_for_the_manifest_ends_as_if_it_came_later(
    s3: Any, monkeypatch: pytest.MonkeyPatch, status: str, exit_code: int
) -> None:
    assert publish() == EXIT_DONE
    before = objects(s3)
    real, seen = Bucket.get, []

    def blind_at_first(self: Bucket, key: str) -> Stored | None:
        seen.append(key)
        return real(self, key) if len(seen) > 1 else None

    monkeypatch.setattr(Bucket, "get", blind_at_first)
    assert publish(health_status=status) == exit_code
    assert len(seen) > 1
    assert objects(s3) == before


def test_leftover_with_other_content_is_never_overwritten(
    s3: Any, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "orange/releases/v1/promtail-config.yml"
    s3.put_object(Bucket="releases", Key=key, Body=b"older")
    assert publish() == EXIT_FAILED
    assert "did not finish" in json.loads(capsys.readouterr().out)["error"]
    assert objects(s3)[key] == b"older"
    assert "orange/releases/v1/release.json" not in objects(s3)
    assert checkout.exists()


@pytest.mark.usefixtures("checkout")
def test_without_pinning_images_stay_as_written(s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert publish(pin_images="false", images="") == EXIT_DONE
    release = Release.from_json(objects(s3)["orange/releases/v1/release.json"])
    assert (dict(release.images), release.compose) == ({}, ("docker-compose.yml",))
    assert "service spring_server runs ${DOCKERHUB_USERNAME}/orange" in capsys.readouterr().err


@pytest.mark.usefixtures("checkout")
def test_logins_of_registries_are_named_in_the_manifest(s3: Any) -> None:
    assert publish(registry_credentials="index.docker.io=/orange/dockerhub\nlocalhost:5000=login") == EXIT_DONE
    release = Release.from_json(objects(s3)["orange/releases/v1/release.json"])
    assert release.registries == {"docker.io": "/orange/dockerhub", "localhost:5000": "login"}


def test_release_says_which_profiles_run_and_what_may_be_executed(
    s3: Any, checkout: Path, registry: RegistryStub, capsys: pytest.CaptureFixture[str]
) -> None:
    debug = "  debug: {build: ., profiles: [debug]}\n  shell: {build: ., profiles: [shell]}\n"
    (checkout / "docker-compose.yml").write_text(COMPOSE.replace("REGISTRY", registry.host) + debug)
    (checkout / "bin").mkdir()
    (checkout / "bin/run").touch(mode=0o755)
    (checkout / "bin/README.md").touch()
    images = f"spring_server={ORANGE},debug={ORANGE}"
    assert publish(profiles="debug", images=images, files="bin", exclude="*.md") == EXIT_DONE
    body = objects(s3)["orange/releases/v1/release.json"]
    release = Release.from_json(body)
    assert (release.profiles, set(release.images)) == (("debug",), {"spring_server", "promtail", "debug"})
    assert [each.path for each in release.files if each.mode] == ["bin/run"]
    assert "bin/README.md" not in [each.path for each in release.files]
    assert Release.from_json(body).to_json() == body
    assert "service shell does not run: none of its profiles is chosen" in capsys.readouterr().err
    assert publish(images=f"spring_server={ORANGE}", files="bin", exclude="*.md") == EXIT_FAILED
    error = json.loads(capsys.readouterr().out)["error"]
    assert "profiles differs" in error
    assert "image of debug is gone" in error


@pytest.mark.usefixtures("checkout")
def test_release_without_profiles_and_programs_says_nothing_of_them(s3: Any) -> None:
    assert publish() == EXIT_DONE
    manifest = json.loads(objects(s3)["orange/releases/v1/release.json"])
    assert "profiles" not in manifest
    assert all(set(each) == {"path", "sha256", "size"} for each in manifest["files"])


@pytest.mark.usefixtures("s3", "checkout")
def test_what_may_go_wrong_on_an_instance_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert publish() == EXIT_DONE
    assert "no service publishes it: no instance will be found healthy" in capsys.readouterr().err
