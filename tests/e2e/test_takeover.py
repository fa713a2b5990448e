"""A compose project that somebody started by hand: the first release of that name takes it over, as the guide says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.real_instance import ANSWERS_404, RealInstance, instance_and_registry, printed

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(180)]

KEPT = {"volumes": ["data:/data"]}
BY_HAND = "cd /srv/orange && docker compose up --detach --quiet-pull"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[RealInstance]:
    """It serves what was started by hand: with a volume, a service that no release has, and a name of its own."""
    with instance_and_registry(tmp_path) as instance:
        image = {"image": instance.image("by hand"), "stop_signal": "SIGKILL"}
        web = {**image, "ports": ["8080:8080"], "container_name": "web", **KEPT}
        helper = {**image, "command": ["/bin/busybox", "sleep", "1000"]}
        project = {"services": {"web": web, "helper": helper}, "volumes": {"data": None}}
        written = 'mkdir -p /srv/orange && printf %s "${PROJECT}" >/srv/orange/docker-compose.yml'
        printed(instance.sh(f"{written} && {BY_HAND}", PROJECT=json.dumps(project)))
        instance.says("docker exec web /bin/busybox sh -c 'echo precious >/data/file'")
        assert instance.page() == "by hand"
        yield instance


def services(instance: RealInstance) -> list[str]:
    """Of every container that is there, running or not."""
    return instance.says("docker ps --all --format '{{.Label \"com.docker.compose.service\"}}'").splitlines()


def test_the_first_release_takes_its_place_and_its_volumes(instance: RealInstance) -> None:
    v1 = instance.publish("v1", service=KEPT, volumes=["data"])

    assert instance.run("prefetch", v1).outcome == "unchanged"
    assert instance.page() == "by hand"
    assert instance.activate(v1).outcome == "activated"

    assert instance.page() == "v1"
    assert services(instance) == ["web"]
    assert instance.says("docker exec $(docker ps --quiet) /bin/busybox cat /data/file") == "precious"


def test_a_first_release_that_fails_is_taken_down_and_the_old_files_can_be_started(instance: RealInstance) -> None:
    words = ("--health-timeout", "3s")
    broken = instance.publish("v1", instance.image("v1", ANSWERS_404), KEPT, words, volumes=["data"])

    assert instance.activate(broken).outcome == "failed"

    assert services(instance) == []
    instance.says(BY_HAND)
    assert instance.page() == "by hand"
    assert instance.says("docker exec web /bin/busybox cat /data/file") == "precious"
    assert instance.activate(instance.publish("v2", service=KEPT, volumes=["data"])).outcome == "activated"
    assert instance.page() == "v2"
