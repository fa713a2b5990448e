"""`build` on a real engine into a real registry, and what compose makes of the digest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.core.errors import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED
from deployer.image import compose, pins
from deployer.image.reference import parse
from deployer.image.registry import Registries
from localcloud.engine_command import docker
from localcloud.registry import Registry
from tests.cloud.registry_stub import RegistryStub, running
from tests.e2e.build.building import RUN, SHA, answer, build

ROOT = Path(__file__).parents[3]


def test_image_is_pushed_under_all_its_tags_and_labelled(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = checkout.parent / "event.json"
    event.write_text(json.dumps({"head_commit": {"id": SHA, "timestamp": "2026-11-20T10:00:00+02:00"}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    name = f"{registry.address}/team/labelled"
    assert build(name, "--version=v1", "--extra-tags=latest", "--build-args=PAGE=one") == EXIT_DONE
    said = answer(capsys)
    assert said["image"] == f"{name}@{said['digest']}"
    assert said["version"] == "v1"
    registries = Registries(lambda _: None)
    assert {registries.digest(parse(f"{name}:{tag}")) for tag in ("v1", f"sha-{SHA}", "latest")} == {said["digest"]}
    found = registries.labels(parse(f"{name}:v1"))
    assert found is not None
    assert found[1] == {
        "page": "one",
        "org.opencontainers.image.created": "2026-11-20T08:00:00Z",
        "org.opencontainers.image.revision": SHA,
        "org.opencontainers.image.source": "https://github.com/awesomeorange/orange",
        "org.opencontainers.image.version": "v1",
    }


def test_version_of_the_same_commit_is_not_built_again(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{registry.address}/team/again"
    assert build(name, "--version=v1") == EXIT_DONE
    first = answer(capsys)
    (checkout / "index.html").write_text("other")
    assert build(name, "--version=v1") == EXIT_DONE
    assert answer(capsys) == first
    monkeypatch.setitem(RUN, "GITHUB_SHA", "f" * 40)
    assert build(name, "--version=v1") == EXIT_DONE
    assert answer(capsys)["digest"] != first["digest"]


def test_tag_of_the_commit_stays_with_its_first_build(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{registry.address}/team/rerun"
    digests = []
    for version in ("3.1", "3.2"):
        (checkout / "index.html").write_text(version)
        assert build(name, f"--version={version}") == EXIT_DONE
        digests.append(answer(capsys)["digest"])
    assert digests[0] != digests[1]
    assert Registries(lambda _: None).digest(parse(f"{name}:sha-{SHA}")) == digests[0]


@pytest.mark.usefixtures("checkout", "engine")
def test_build_without_push_has_no_digest(capsys: pytest.CaptureFixture[str]) -> None:
    assert build("localhost:1/team/local", "--version=v1", "--push=false") == EXIT_DONE
    docker("image", "rm", "localhost:1/team/local:v1", f"localhost:1/team/local:sha-{SHA}")
    assert answer(capsys) == {"image": "", "digest": "", "images": "", "version": "v1", "exit_code": EXIT_DONE}


def test_failing_build_shows_dockers_own_words(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "Dockerfile").write_text("FROM scratch\nCOPY none /none\n")
    assert build(f"{registry.address}/team/broken", "--version=v1") == EXIT_FAILED
    output = capsys.readouterr()
    assert "none" in json.loads(output.out)["error"]
    assert "COPY none /none" in output.err


@pytest.mark.usefixtures("engine")
def test_refused_login_names_the_registry_and_never_the_password(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(RegistryStub(auth="basic", password="right")) as stub:
        words = ("--version=v1", "--registry-username=user", "--registry-password=wr0ng")
        assert build(f"{stub.host}/team/orange", *words) == EXIT_FAILED
    output = capsys.readouterr()
    assert stub.host in json.loads(output.out)["error"]
    assert "wr0ng" not in output.out + output.err
    assert not (checkout.parent / "docker").exists()


def test_private_registry_is_read_and_written_with_the_given_login(
    private_registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{private_registry.address}/team/private"
    words = ("--version=v1", "--registry-username=user", "--registry-password=right")
    assert build(name, *words) == EXIT_DONE
    said = answer(capsys)
    assert Registries(lambda _: ("user", "right")).digest(parse(f"{name}:v1")) == said["digest"]
    assert build(name, *words) == EXIT_DONE
    output = capsys.readouterr()
    assert "not built again" in output.err
    assert json.loads(output.out)["digest"] == said["digest"]
    assert not (checkout.parent / "docker").exists()  # the login left nothing behind
    assert build(name, "--version=v2") == EXIT_FAILED
    assert "registry-password" in answer(capsys)["fix"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_build_that_is_stopped_takes_its_login_and_docker_along(
    private_registry: Registry, checkout: Path, tmp_path: Path, number: signal.Signals
) -> None:
    temporary = tmp_path / "runner"
    temporary.mkdir()
    (checkout / "Dockerfile").write_text('FROM scratch\nCOPY busybox /bin/sh\nRUN ["/bin/sh", "-c", "sleep 300"]\n')
    words = [f"--image={private_registry.address}/team/slow", "--version=v1", "--registry-username=user"]
    process = subprocess.Popen(
        [sys.executable, "-m", "deployer", "build", *words],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "scripts"),
            "RUNNER_TEMP": str(temporary),
            "INPUT_REGISTRY_PASSWORD": "right",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert any("sleep 300" in line for line in process.stdout)
    assert len(list(temporary.iterdir())) == 1
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 128 + number, output
    assert f"stopped by {number.name}" in errors
    assert "Traceback" not in errors
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("checkout")
def test_machine_without_docker_is_refused_with_the_fix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build("localhost:1/team/orange", "--version=v1") == EXIT_FAILED
    said = answer(capsys)
    assert "docker cannot be run" in said["error"]
    assert "buildx" in said["fix"]


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--image=localhost:1/a:v1",), "with a tag"),
        (("--image=team/UPPER",), "team/UPPER"),
        (("--registry-username=user",), "go together"),
        (("--version=a b",), "a b"),
        (("--cache=inline",), "inline"),
    ],
)
def test_bad_input_never_reaches_docker(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], named: str
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert build("localhost:1/team/orange", *words) == EXIT_BAD_INPUT
    assert named in answer(capsys)["error"]


def test_compose_runs_the_digest_of_a_service_that_has_a_build(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(f"{registry.address}/team/composed", "--version=v1") == EXIT_DONE
    image = answer(capsys)["image"]
    text = b"version: '3.8'\nservices:\n  web:\n    build: .\n    image: never-pulled:latest\n"
    (checkout / "docker-compose.yml").write_bytes(text)
    override = pins.override(compose.read(["docker-compose.yml"], lambda _: text), {"web": image})
    (checkout / "compose.images.yml").write_bytes(override)
    docker("image", "rm", "--force", image, f"{parse(image).name}:v1", f"{parse(image).name}:sha-{SHA}")
    docker("pull", image)
    command = ["compose", "-p", "build-test", "-f", "docker-compose.yml", "-f", "compose.images.yml"]
    try:
        docker(*command, "up", "-d", "--no-build", "--remove-orphans")
        container = docker("ps", "-aq", "--filter", "label=com.docker.compose.project=build-test")
        assert docker("inspect", "--format", "{{.Config.Image}} {{.State.Status}}", container) == f"{image} running"
    finally:
        docker(*command, "down", "--timeout=1")
