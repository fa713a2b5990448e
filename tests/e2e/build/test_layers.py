"""What an engine with the containerd image store makes: indexes, attestations, caches, the same image twice."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deployer.core.errors import EXIT_DONE
from localcloud.engine_command import docker
from localcloud.registry import Registry
from tests.e2e.build.building import SHA, answer, blobs, build, config_of, images_of, manifests

pytestmark = pytest.mark.usefixtures("modern")

SECRET = "c4nary-of-the-build"
STAGES = """\
FROM scratch AS base
COPY busybox /bin/sh
RUN --network=none ["/bin/sh", "-c", "echo made >/made"]
FROM base AS web
COPY index.html /www/index.html
FROM base AS worker
COPY Dockerfile /Dockerfile
"""
WITH_SECRET = """\
FROM scratch
COPY busybox /bin/sh
RUN --network=none --mount=type=secret,id=npm ["/bin/sh", "-c", "read s </run/secrets/npm; echo ${#s} >/length"]
"""
WITH_SSH = """\
FROM scratch
COPY busybox /bin/sh
RUN --network=none --mount=type=ssh ["/bin/sh", "-c", "test -S \\"$SSH_AUTH_SOCK\\" && echo agent >/seen"]
"""


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A socket as an SSH agent has one."""
    path = tmp_path / "agent"
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(path))
        listening.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        yield path


def forget_layers() -> None:
    """As on a new runner: nothing that was built before is at hand."""
    docker("buildx", "prune", "--all", "--force")


def texts(pinned: str) -> Iterator[bytes]:
    for blob in blobs(pinned):
        yield gzip.decompress(blob) if blob[:2] == b"\x1f\x8b" else blob


def test_image_for_two_platforms_is_one_index_with_provenance(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checkout
    name = f"{registry.address}/modern/platforms"
    assert build(name, "--version=v1", "--platforms=linux/amd64,linux/arm64") == EXIT_DONE
    image = answer(capsys)["image"]
    index = next(manifests(image))
    platforms = [f"{each['platform']['os']}/{each['platform']['architecture']}" for each in index["manifests"]]
    assert platforms == ["linux/amd64", "linux/arm64", "unknown/unknown", "unknown/unknown"]
    assert any(b"slsa.dev/provenance" in text for text in texts(image))


@pytest.mark.parametrize("provenance", ["", "false"])
def test_secret_is_in_no_layer_and_in_no_history(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str], provenance: str
) -> None:
    (checkout / "Dockerfile").write_text(WITH_SECRET)
    (checkout / "npm").write_text(SECRET)
    (checkout / ".dockerignore").write_text("npm\n")
    name = f"{registry.address}/modern/secret{provenance}"
    assert build(name, "--version=v1", "--secrets=id=npm,src=npm", f"--provenance={provenance}") == EXIT_DONE
    image = answer(capsys)["image"]
    seen = list(texts(image))
    assert any(str(len(SECRET)).encode() in text for text in seen)  # it was there while the layer was made
    assert not any(SECRET.encode() in text for text in seen)
    assert SECRET not in json.dumps(list(manifests(image)))


@pytest.mark.usefixtures("agent")
def test_agent_is_there_while_a_layer_is_made(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "Dockerfile").write_text(WITH_SSH)
    assert build(f"{registry.address}/modern/ssh", "--version=v1", "--ssh=default") == EXIT_DONE
    assert any(b"agent" in text for text in texts(answer(capsys)["image"]))


@pytest.mark.usefixtures("agent")
def test_services_take_secrets_and_agents_too(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "app").mkdir()
    (checkout / "busybox").rename(checkout / "app/busybox")
    (checkout / "app/Dockerfile").write_text(WITH_SECRET + WITH_SSH.partition("sh\n")[2])
    (checkout / "compose.yml").write_text("services: {web: {build: app}}\n")
    (checkout / "npm").write_text(SECRET)
    name = f"{registry.address}/modern/several-{{service}}"
    words = ("--version=v1", "--compose-files=compose.yml", "--ssh=default", "--secrets=id=npm,src=npm")
    assert build(name, *words) == EXIT_DONE
    seen = list(texts(images_of(answer(capsys))["web"]))
    assert any(b"agent" in text for text in seen)
    assert not any(SECRET.encode() in text for text in seen)


def test_services_take_the_secrets_their_compose_file_says(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "Dockerfile").write_text(WITH_SECRET)
    (checkout / "compose.yml").write_text(
        "services: {web: {build: {context: ., secrets: [npm]}, secrets: [db]}}\n"
        "secrets: {npm: {file: ./npm}, db: {file: '${DB:?only an instance knows}'}}\n"
    )
    (checkout / "npm").write_text(SECRET)
    assert (
        build(f"{registry.address}/modern/said-{{service}}", "--version=v1", "--compose-files=compose.yml") == EXIT_DONE
    )
    seen = list(texts(images_of(answer(capsys))["web"]))
    assert str(len(SECRET)).encode() in b"".join(seen)
    assert not any(SECRET.encode() in text for text in seen)


@pytest.mark.parametrize("kind", ["registry", "local"])
def test_second_build_finds_the_layers_of_the_first(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    (checkout / "Dockerfile").write_text(STAGES)
    (checkout / "compose.yml").write_text(
        "services: {web: {build: {context: ., target: web}}, worker: {build: {context: ., target: worker}}}\n"
    )
    name = f"{registry.address}/modern/{kind}/{{service}}"
    ref = [f"--cache-ref={registry.address}/modern/caches:{{service}}"] if kind == "registry" else []
    words = ("--compose-files=compose.yml", f"--cache={kind}", *ref)
    for version in ("v1", "v2"):
        forget_layers()
        (checkout / "index.html").write_text(version)
        assert build(name, f"--version={version}", *words) == EXIT_DONE
        output = capsys.readouterr().err
        made = [line.split()[0] for line in output.splitlines() if 'echo made >/made"]' in line]
        assert made
        cached = all(f"{number} CACHED" in output for number in made)  # in the first build one service has it made
        assert cached == (version == "v2")


def test_rebuild_of_a_commit_is_the_same_image(
    registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "Dockerfile").write_text("FROM scratch\nCOPY index.html /index.html\n")  # makes no folder of today
    event = checkout.parent / "event.json"
    event.write_text(json.dumps({"head_commit": {"id": SHA, "timestamp": "2026-11-20T10:00:00+02:00"}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    digests = []
    for name in ("one", "other"):
        forget_layers()
        image = f"{registry.address}/modern/same-{name}"
        assert build(image, "--version=v1", "--provenance=false") == EXIT_DONE
        said = answer(capsys)
        digests.append(said["digest"])
        assert config_of(said["image"])["created"] == "2026-11-20T08:00:00Z"
    assert digests[0] == digests[1]
