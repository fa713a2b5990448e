"""Which of buildx's builders does the work: the one at hand, or one made for this build alone.

docker's own builder makes images for several platforms, attestations and caches outside itself only with the containerd
image store, and runs programs of another platform only where the machine has emulators for it. A builder in a container
can do all of that: docker's image for it (moby/buildkit) brings the emulators along. See docs/decisions/0022-builds.md.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from deployer.core.errors import Refused
from deployer.image.build import Build
from deployer.image.docker import Docker
from deployer.image.reference import parse
from deployer.image.registry import is_loopback

NO_BUILDER = (
    "let the runner pull moby/buildkit from Docker Hub, run `docker buildx create --use` with an image of your own "
    "before this step, or turn on the engine's containerd image store"
)


@dataclass(frozen=True)
class Builder:
    """docker with one builder; `platforms` are those whose programs it runs."""

    docker: Docker
    driver: str
    can_attest: bool
    platforms: frozenset[str]

    def lacks(self, builds: Sequence[Build]) -> list[str]:
        """What of the builds' wishes only another builder can fulfil, as inputs."""
        return [] if self.can_attest else builds[0].demands

    def foreign(self, builds: Sequence[Build]) -> list[str]:
        """Platforms of the builds whose programs docker's own builder cannot run; of others nobody here knows."""
        return [each for each in builds[0].platforms if each not in self.platforms] if self.driver == "docker" else []


@contextmanager
def builder_for(docker: Docker, builds: Sequence[Build], say: Callable[[str], None]) -> Iterator[Builder]:
    """The builder at hand where it can do what all the builds ask for, else one that is gone after the block.

    Raises Refused if there is none. Without emulators the one at hand is still tried: a Dockerfile that only copies,
    or compiles for another platform, needs none.
    """
    present = look(docker)
    lacking, foreign = present.lacks(builds), present.foreign(builds)
    if not lacking and not foreign:
        yield present
        return
    say(f"docker's own builder cannot do {', '.join([*lacking, *foreign])}: making one in a container")
    name = f"deploy-{secrets.token_hex(4)}"
    try:
        own = _created(docker, name, builds)
    except Refused as error:
        _remove(docker, name)
        if lacking:
            raise Refused(f"docker here cannot do {', '.join(lacking)}, and {error.what}", NO_BUILDER) from error
        say(f"{error.what}; going on with docker's own, which runs no programs of {', '.join(foreign)}")
        yield present
        return
    except BaseException:  # the job was stopped meanwhile
        _remove(docker, name)
        raise
    try:
        yield own
    finally:
        _remove(docker, name)


def look(docker: Docker) -> Builder:
    """The builder that a plain `docker buildx build` uses."""
    shown = docker.answer(["buildx", "inspect"], "buildx has no builder")
    driver = next(iter(re.findall(r"^Driver:\s*(\S+)", shown, re.MULTILINE)), "")
    listed = ",".join(re.findall(r"^\s*Platforms:\s*(.*)$", shown, re.MULTILINE))
    platforms = frozenset(each.strip().rstrip("*") for each in listed.split(","))
    if driver != "docker":
        return Builder(docker, driver, can_attest=True, platforms=platforms)
    stores = docker.answer(["info", "--format", "{{json .DriverStatus}}"], "the docker engine does not answer")
    return Builder(docker, driver, "io.containerd.snapshotter" in stores, platforms)


def _created(docker: Docker, name: str, builds: Sequence[Build]) -> Builder:
    """A builder in a container; on the network of the machine only where the registry is on the machine."""
    words = ["buildx", "create", "--name", name, "--driver", "docker-container", "--bootstrap"]
    if is_loopback(parse(builds[0].image).registry):
        words += ["--driver-opt", "network=host"]
    docker.answer(words, "a builder in a container cannot be made")
    return look(docker.using(name))


def _remove(docker: Docker, name: str) -> None:
    with suppress(Refused):  # where making it failed there may be none
        docker.answer(["buildx", "rm", "--force", name], "the builder cannot be removed")
