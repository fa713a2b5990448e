"""Compose files of many shapes, published by the command and run by a real engine and compose: each as it was meant.

One instance runs them one after the other, as releases of one application: each must also clear away the one before.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer import cli
from deployer.core.release import sha256_of
from localcloud.engine_command import search_path
from tests.e2e.busybox_image import push_companion, push_image
from tests.e2e.compose_shapes import BUSYBOX, SHAPES, Shape
from tests.e2e.real_instance import APP, Published, RealInstance, instance_and_registry

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(300)]

ENVIRONMENT = "GREETING=hello\nCOMPOSE_PROFILES=debug\nPASSWORD=s3cr3t\nPROMTAIL_PORT=9080\n"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealInstance]:
    directory = tmp_path_factory.mktemp("instance")
    with instance_and_registry(directory) as instance:
        instance.ssm.put_parameter(Name="/orange/env", Value=ENVIRONMENT, Type="SecureString", Overwrite=True)
        yield instance


@pytest.fixture(scope="module")
def images(instance: RealInstance, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By digest: what serves, and what keeps it company."""
    folder, registry = tmp_path_factory.mktemp("images"), instance.registry.address
    return {
        "web": push_image(registry, "orange:v1", "orange\n", folder / "orange"),
        "promtail": push_companion(registry, "promtail:v1", folder / "promtail"),
    }


def lay_out(shape: Shape, folder: Path, registry: str) -> None:
    busybox = shutil.which("busybox", path=search_path())
    assert busybox
    for path, text in shape.files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if text == BUSYBOX:
            shutil.copy(busybox, file)
        else:
            file.write_text(text.replace("IMAGE", f"{registry}/orange:v1"))


def publish(shape: Shape, version: str, instance: RealInstance, images: dict[str, str]) -> Published:
    given = ",".join(f"{service}={images.get(service, images['web'])}" for service in shape.given)
    flags = {"app": APP, "bucket": instance.bucket, "version": version, "images": given, **shape.flags}
    flags["health-check"] = "http://localhost:8080/"
    assert cli.main(["publish", *(f"--{name}={value}" for name, value in flags.items() if value)], {}) == 0
    stored = instance.s3.get_object(Bucket=instance.bucket, Key=f"{APP}/releases/{version}/release.json")
    return Published(version, sha256_of(stored["Body"].read()), "")


@pytest.mark.parametrize("name", SHAPES)
def test_a_compose_file_is_published_and_runs_as_it_was_meant(
    name: str, instance: RealInstance, images: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, version = SHAPES[name], f"v{list(SHAPES).index(name)}"
    lay_out(shape, tmp_path, instance.registry.address)
    monkeypatch.chdir(tmp_path)
    marker = instance.activate(publish(shape, version, instance, images))
    assert (marker.outcome, marker.version) == ("activated", version), marker.reason
    assert instance.page().strip() == shape.page
    services = instance.says("docker ps --format '{{.Label \"com.docker.compose.service\"}}'").split()
    assert sorted(services) == sorted(shape.running)
    assert shape.also is None or shape.also(instance.says)
    assert "s3cr3t" not in "".join(instance.said)
