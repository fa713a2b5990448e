"""Compose files of many shapes, published and rolled out to real engines and compose: each as it was meant.

A group of two runs them one after the other, as releases of one application: each must also clear away the one before.
One of the two has the machine's own docker engine, the other one that is some years newer.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localcloud.cloud import Cloud
from localcloud.engine import Engine
from localcloud.engine_command import search_path
from localcloud.options import CANARY, CloudOptions
from localcloud.runtime import Script
from tests.cloud.delivery import Delivery
from tests.e2e.build.containerd_engine import MODERN
from tests.e2e.busybox_image import push_companion, push_image
from tests.e2e.cloud import PORT, page
from tests.e2e.compose_shapes import BUSYBOX, SHAPES, Shape
from tests.e2e.real_instance import printed

pytestmark = pytest.mark.timeout(300)

ENVIRONMENT = {"GREETING": "hello", "COMPOSE_PROFILES": "debug", "PASSWORD": CANARY, "PROMTAIL_PORT": "9080"}
AT_ONCE = ("--canary", "0", "--max-unavailable", "100%")


@pytest.fixture(scope="module")
def cloud(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    del engine
    engines = [Path("/usr/sbin"), Path(MODERN)]
    options = CloudOptions(
        tmp_path_factory.mktemp("cloud"), instances=2, runtime="docker", dotenv=ENVIRONMENT, engines=engines
    )
    with Cloud(options) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def images(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By digest: what serves, and what keeps it company."""
    folder, registry = tmp_path_factory.mktemp("images"), cloud.registry.address
    return {
        "web": push_image(registry, "orange:v1", "orange\n", folder / "orange"),
        "promtail": push_companion(registry, "promtail:v1", folder / "promtail"),
    }


def shell_of(cloud: Cloud, instance_id: str) -> Callable[[str], str]:
    """What a script that works prints on the instance."""

    return lambda text: printed(cloud.runtime.run(instance_id, Script(text, {})).wait())


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


def test_one_of_the_engines_is_recent(cloud: Cloud, tmp_path: Path) -> None:
    instances = Delivery(cloud, tmp_path).in_service()
    versions = [shell_of(cloud, each)("docker version --format '{{.Server.Version}}'") for each in instances]
    assert max(int(each.partition(".")[0]) for each in versions) >= 25, versions


@pytest.mark.parametrize("name", SHAPES)
def test_a_compose_file_is_rolled_out_and_runs_as_it_was_meant(
    name: str, cloud: Cloud, images: dict[str, str], tmp_path: Path
) -> None:
    shape, version = SHAPES[name], f"v{list(SHAPES).index(name)}"
    delivery = Delivery(cloud, tmp_path)
    lay_out(shape, tmp_path, cloud.registry.address)
    given = ",".join(f"{service}={images.get(service, images['web'])}" for service in shape.given)
    flags = {"images": given, **shape.flags, "health-check": f"http://localhost:{PORT}/"}
    words = [f"--{name}={value}" for name, value in flags.items() if value]

    published = delivery.run("publish", "--version", version, *words)
    rolled_out = delivery.run("rollout", "--version", version, *AT_ONCE)

    assert (published.returncode, rolled_out.returncode) == (0, 0), published.stderr + rolled_out.stderr
    for instance_id in delivery.in_service():
        says = shell_of(cloud, instance_id)
        assert page(f"http://{cloud.fleet.address_of(instance_id)}:{PORT}/").strip() == shape.page
        services = says("docker ps --format '{{.Label \"com.docker.compose.service\"}}'").split()
        assert sorted(services) == sorted(shape.running)
        assert shape.also is None or shape.also(says)
