"""Which services an image is for, where nobody names one."""

from __future__ import annotations

import pytest

from deployer.image.compose import Service
from deployer.image.services import services_that_run

IMAGE = "ghcr.io/acme/orange"
OURS, BUILT, OTHER = Service(image=IMAGE), Service(builds=True), Service(image="grafana/promtail:3")


@pytest.mark.parametrize(
    ("running", "found"),
    [
        ({"web": OTHER}, ("web",)),
        ({"web": BUILT, "promtail": OTHER}, ("web",)),
        ({"web": OURS, "tools": BUILT}, ("web",)),
        ({"web": Service(image=IMAGE + ":${TAG:-v1}"), "promtail": OTHER}, ("web",)),
        ({"web": Service(image=f"{IMAGE}:v1@sha256:{'a' * 64}"), "promtail": OTHER}, ("web",)),
        ({"web": Service(image=IMAGE, builds=True), "jobs": OURS, "promtail": OTHER}, ("web", "jobs")),
        ({"web": BUILT, "jobs": BUILT}, ()),
        ({"web": OTHER, "promtail": OTHER}, ()),
        ({"web": Service(image="${REGISTRY}/acme/orange"), "promtail": OTHER}, ()),
        ({}, ()),
    ],
)
def test_services_that_run_an_image(running: dict[str, Service], found: tuple[str, ...]) -> None:
    assert services_that_run(f"{IMAGE}@sha256:{'d' * 64}", running) == found
