"""Image names as docker reads them: `[registry/]repository[:tag][@sha256:…]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployer.core.errors import BadInput

DOCKER_HUB = "docker.io"

_NAME = re.compile(
    r"(?P<name>(?:(?P<registry>[A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)/)??"
    r"(?P<repository>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*))"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Reference:
    """`name` is as it was written, without tag and digest; `registry` and `repository` are where that is."""

    name: str
    registry: str
    repository: str
    tag: str = "latest"
    digest: str = ""

    @property
    def pinned(self) -> str:
        """`name@sha256:…`: what an instance pulls."""
        return pin(self.name, self.digest)


def known_as(registry: str) -> str:
    """The registry's one name: Docker Hub has two."""
    return DOCKER_HUB if registry == f"index.{DOCKER_HUB}" else registry


def login_server(registry: str) -> str:
    """The name docker's configuration keeps the login of a registry's host under."""
    return "https://index.docker.io/v1/" if registry == DOCKER_HUB else registry


def pin(name: str, digest: str) -> str:
    """The image under its digest; what was written as name stays."""
    return f"{name}@{digest}"


def parse(text: str) -> Reference:
    """The parts of an image's name; raises BadInput.

    docker takes the first part for a registry if it holds a dot, a colon or a capital, or is `localhost`; all else is
    on Docker Hub, where a name without a further slash is one of docker's own (`library/`).
    """
    match = _NAME.fullmatch(text)
    if not match:
        raise BadInput(f"{text!r} is no image name", "write it like registry.example.com/orange:v1, in lower case")
    first, slash, rest = match["name"].partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, repository = known_as(first), rest
    else:
        registry, repository = DOCKER_HUB, match["name"]
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return Reference(match["name"], registry, repository, match["tag"] or "latest", match["digest"] or "")
