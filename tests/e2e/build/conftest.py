"""Registries, a checkout and engines for the builds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.engine import Engine
from localcloud.engine_command import search_path
from localcloud.registry import Registry
from tests.e2e.build.building import RUN, forget_images
from tests.e2e.build.containerd_engine import containerd_engine

DOCKERFILE = """\
FROM scratch
ARG PAGE=none
COPY busybox /bin/busybox
COPY index.html /www/index.html
LABEL page=$PAGE
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"""


@pytest.fixture(scope="session")
def registry(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    assert engine.description
    registry = Registry(tmp_path_factory.mktemp("registry"))
    registry.start()
    yield registry
    registry.stop()
    forget_images(registry)


@pytest.fixture(scope="session")
def containerd_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with containerd_engine(tmp_path_factory.mktemp("engine")) as address:
        yield address


@pytest.fixture
def modern(containerd_host: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The newer engine is the one `docker` reaches."""
    monkeypatch.setenv("DOCKER_HOST", containerd_host)
    return containerd_host


@pytest.fixture
def private_registry(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """One that knows a single user, with the password `right`."""
    assert engine.description
    (tmp_path / "htpasswd").write_text("user:$2b$04$o2L9D2Ozf8wzN3ERwzvF7evhiR6B6VJAaCUAgBKMqso5Fy5bbaHti\n")
    monkeypatch.setenv("REGISTRY_AUTH", "htpasswd")
    monkeypatch.setenv("REGISTRY_AUTH_HTPASSWD_REALM", "test")
    monkeypatch.setenv("REGISTRY_AUTH_HTPASSWD_PATH", str(tmp_path / "htpasswd"))
    registry = Registry(tmp_path)
    registry.start()
    yield registry
    registry.stop()
    forget_images(registry)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    busybox = shutil.which("busybox", path=search_path())
    assert busybox, "busybox-static is not installed: run localcloud/install"
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copy(busybox, folder / "busybox")
    (folder / "index.html").write_text("v1")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    monkeypatch.chdir(folder)
    for name in [each for each in os.environ if each.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    for name, value in RUN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder
