"""Which compose services run an image, where nobody says so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from deployer.image import reference
from deployer.image.compose import Service


def services_that_run(image: str, running: Mapping[str, Service]) -> tuple[str, ...]:
    """Those of the services that run: the only one, else all that name this image, else the only one with a `build`.

    None where that leaves a choice.
    """
    if len(running) == 1:
        return tuple(running)
    wanted = reference.parse(image).name
    if naming := tuple(name for name, service in running.items() if _name(service.image) == wanted):
        return naming
    built = tuple(name for name, service in running.items() if service.builds)
    return built if len(built) == 1 else ()


def _name(image: str) -> str:
    """Without tag and digest, which may be a variable (`orange:${TAG}`)."""
    return re.sub(r"(:[^/@]+)?(@.*)?$", "", image)
