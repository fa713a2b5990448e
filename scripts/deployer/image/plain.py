"""The builder docker had before buildx: one image, for one platform, with nothing attached and no cache to keep."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from deployer.core.errors import BadInput
from deployer.image.build import Build
from deployer.image.docker import Docker

GET_BUILDX = "install buildx (ubuntu-latest has it): https://docs.docker.com/build/install-buildx"


def check(builds: Sequence[Build]) -> None:
    """Raises BadInput naming everything that takes buildx."""
    build = builds[0]
    asked = [
        *(["several services"] if build.service else []),
        *(["secrets"] if build.secrets else []),
        *(["ssh"] if build.ssh else []),
        *build.demands,
    ]
    if asked:
        raise BadInput(f"docker has no buildx, and without it there is no {', no '.join(asked)}", GET_BUILDX)


def build_and_push(docker: Docker, build: Build, say: Callable[[str], None]) -> str:
    """The digest the image has in the registry; "" when it is not pushed."""
    docker.stream(arguments(build), say)
    if not build.push:
        return ""
    for name in build.names:
        docker.stream(["push", name], say)
    shown = docker.answer(["image", "inspect", "--format", "{{json .RepoDigests}}", build.names[0]], "no such image")
    digests: dict[str, str] = dict(each.split("@") for each in json.loads(shown))
    return digests.get(build.image, "")


def arguments(build: Build) -> list[str]:
    """The words after `docker`."""
    words = ["build"]
    words += [f"--tag={each}" for each in build.names]
    words += [f"--label={name}={value}" for name, value in build.labels.items()]
    words += [f"--build-arg={each}" for each in build.build_args]
    words += [f"--file={build.dockerfile}"] if build.dockerfile else []
    words += [f"--target={build.target}"] if build.target else []
    words += [f"--platform={build.platforms[0]}"] if build.platforms else []
    return [*words, "--", build.context]
