"""The real registry, alone."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from localcloud.child import start_time
from localcloud.registry import Registry
from tests.e2e.busybox_image import push_image

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(60)]


def tags(registry: Registry, name: str) -> list[str]:
    with urllib.request.urlopen(f"http://{registry.address}/v2/{name}/tags/list", timeout=5) as answer:
        found: list[str] = json.load(answer)["tags"]
    return found


def test_images_outlive_the_registrys_process(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.start()
    pid = int((tmp_path / "registry" / "docker-registry.pid").read_text().split()[0])
    try:
        push_image(registry.address, "orange:v1", "orange v1", tmp_path / "image")
    finally:
        registry.stop()
    assert start_time(pid) is None
    again = Registry(tmp_path)
    again.start()
    try:
        assert tags(again, "orange") == ["v1"]
    finally:
        again.stop()


def test_two_registries_never_share_a_port(tmp_path: Path) -> None:
    one, two = Registry(tmp_path / "one"), Registry(tmp_path / "two")
    one.start()
    try:
        two.start()
        assert one.port != two.port
    finally:
        one.stop()
        two.stop()
