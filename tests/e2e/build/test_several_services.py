"""Several services at once: their `build:` sections, baked, pushed and pinned in what is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.core.errors import EXIT_BAD_INPUT, EXIT_DONE
from deployer.image import compose, pins
from deployer.image.reference import parse
from deployer.image.registry import Registries
from localcloud.engine_command import docker
from localcloud.registry import Registry
from tests.e2e.build.building import SHA, answer, build, config_of, images_of

DOCKERFILE = """\
FROM scratch AS base
COPY busybox /bin/busybox
ARG PAGE=none
LABEL page=$PAGE
FROM base AS web
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080"]
FROM base AS worker
CMD ["/bin/busybox", "sleep", "1000"]
"""
COMPOSE = """\
x-base: &base
  build: &build
    context: ..
    args: {PAGE: yes}
services:
  web:
    <<: *base
    image: ${REGISTRY:?known on the instance alone}/web
    build: {<<: *build, target: web}
  worker.1:
    build: {context: .., target: worker, args: [PAGE=one]}
    image: jobs
    environment: {PRICE: $$5}
  worker.2: {image: jobs}
  plain: {image: redis}
"""
OVERRIDE = "services: {worker.1: {build: {args: {PAGE: over}}}}\n"


@pytest.fixture
def several(checkout: Path) -> Path:
    (checkout / "Dockerfile").write_text(DOCKERFILE)
    (checkout / "deploy").mkdir()
    (checkout / "deploy/compose.yml").write_text(COMPOSE)
    (checkout / "deploy/more.yml").write_text(OVERRIDE)
    return checkout


def baked(registry: Registry, name: str, *more: str, **environment: str) -> int:
    files = "--compose-files=deploy/compose.yml,deploy/more.yml"
    return build(f"{registry.address}/{name}/{{service}}", files, *more, **environment)


@pytest.mark.usefixtures("several")
def test_each_service_is_built_from_its_own_section(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    assert baked(registry, "two", "--version=v1", "--extra-tags=latest") == EXIT_DONE
    said = answer(capsys)
    assert said["image"] == said["digest"] == ""
    images = images_of(said)
    assert set(images) == {"web", "worker.1", "worker.2"}
    assert images["worker.2"] == images["worker.1"]  # the image it runs is the other one's
    web, worker = config_of(images["web"])["config"], config_of(images["worker.1"])["config"]
    assert web["Cmd"][1] == "httpd"
    assert worker["Cmd"][1] == "sleep"
    assert web["Labels"]["page"] == "yes"
    assert worker["Labels"]["page"] == "over"
    assert web["Labels"]["org.opencontainers.image.revision"] == SHA
    for service, image in images.items():
        name, _, digest = image.partition("@")
        for tag in ("v1", "latest", f"sha-{SHA}"):
            assert Registries(lambda _: None).digest(parse(f"{name}:{tag}")) == digest, service


def test_publish_takes_what_was_built_and_instances_pull_it(
    registry: Registry, several: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert baked(registry, "published", "--version=v1") == EXIT_DONE
    given = pins.parse_given(answer(capsys)["images"].splitlines())
    files = compose.read(["deploy/compose.yml"], lambda path: (several / path).read_bytes())
    choice = pins.choose(files, given, pin_images=True)
    assert choice.pinned == given
    assert choice.to_resolve == {"plain": "redis"}
    for image in given.values():
        docker("pull", image)


def test_only_what_is_missing_is_built_again(
    registry: Registry, several: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert baked(registry, "again", "--version=v1") == EXIT_DONE
    first = images_of(answer(capsys))
    (several / "busybox").write_bytes(b"changed since")
    more = "services: {late: {build: {context: .., target: web}}}\n"
    (several / "deploy/more.yml").write_text(more)
    assert baked(registry, "again", "--version=v1") == EXIT_DONE
    second = images_of(answer(capsys))
    late = second.pop("late")
    assert second == first
    assert parse(late).name == f"{registry.address}/again/late"
    assert baked(registry, "again", "--version=v2") == EXIT_DONE
    third = images_of(answer(capsys))
    assert set(third.values()).isdisjoint(first.values())


@pytest.mark.usefixtures("several")
def test_nothing_is_pushed_in_a_dry_run(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    assert baked(registry, "dry", "--version=v1", "--push=false") == EXIT_DONE
    assert answer(capsys)["images"] == ""
    assert Registries(lambda _: None).labels(parse(f"{registry.address}/dry/web:v1")) is None


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--target=web",), "target is given"),
        (("--context=deploy",), "context is given"),
        (("--cache=registry", "--cache-ref=localhost:1/cache"), "several would write over it"),
        (("--compose-files=deploy/more.yml,missing.yml",), "missing.yml cannot be read"),
        (("--image={service}.example.com/a",), "registry's name"),
        (("--image=localhost:1/{service}:v1",), "with a tag"),
    ],
)
def test_bad_input_never_reaches_docker(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], named: str
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    given = ("--compose-files=deploy/compose.yml", *words)
    assert build("localhost:1/{service}", *given) == EXIT_BAD_INPUT
    assert named in answer(capsys)["error"]


def test_compose_files_that_build_nothing_are_refused(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "docker-compose.yml").write_text("services: {db: {image: redis}}\n")
    assert build("localhost:1/{service}") == EXIT_BAD_INPUT
    assert "no service of docker-compose.yml has a `build`" in answer(capsys)["error"]
