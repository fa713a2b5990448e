"""Which images the inputs of `build` ask for: one, or one for each compose service that has a `build`."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from deployer.aws import ecr
from deployer.commands.release_version import git_of, project_folder, version_for
from deployer.core.errors import BadInput
from deployer.core.release import Git
from deployer.github import commit
from deployer.github.run import RunContext
from deployer.image import bake, build_check, compose, reference
from deployer.image.bake import SERVICE, Sections
from deployer.image.build import Build
from deployer.image.services import services_that_run
from deployer.inputs import BuildInputs

LABEL = "org.opencontainers.image"
REVISION = f"{LABEL}.revision"
CREATED = f"{LABEL}.created"


@dataclass(frozen=True)
class Wanted:
    """The builds, and for several services the sections of the compose files in the folder `project` they are from.

    `services`: which image each compose service runs, as far as it is known.
    """

    version: str
    builds: tuple[Build, ...]
    services: Mapping[str, str] = field(default_factory=dict)
    sections: Sections | None = None
    project: str = "."

    @property
    def registry(self) -> str:
        """The host all the images are pushed to."""
        return reference.parse(self.builds[0].image).registry


def wanted_images(inputs: BuildInputs, run: RunContext) -> Wanted:
    """What the inputs ask for; raises BadInput for everything that is wrong with it."""
    git = git_of(run, _source_folder(inputs))
    version = version_for(inputs.version, run, git)
    revision = _revision(inputs.context, git)
    common = Build(
        image=inputs.image,
        tags=tuple(dict.fromkeys((version, *([f"sha-{revision}"] if revision else []), *inputs.extra_tags))),
        context=inputs.context,
        dockerfile=inputs.dockerfile,
        target=inputs.target,
        platforms=inputs.platforms,
        build_args=inputs.build_args,
        secrets=inputs.secrets,
        ssh=inputs.ssh,
        labels=_labels(inputs, version, revision, run.server_url, git.repository),
        cache=inputs.cache,
        cache_ref=inputs.cache_ref,
        provenance=inputs.provenance,
        sbom=inputs.sbom,
        push=inputs.push,
    )
    wanted = _several(inputs, version, common) if SERVICE in inputs.image else _one(inputs, version, common)
    for build in wanted.builds:
        if reference.parse(build.image).name != build.image:
            raise BadInput(f"image is {build.image!r}, with a tag", "give the name alone: the tag is the version")
        build_check.check(build, os.environ)
    _check_login(inputs, wanted.registry)
    return wanted


def _check_login(inputs: BuildInputs, registry: str) -> None:
    if bool(inputs.registry_username) != bool(inputs.registry_password):
        raise BadInput("registry-username and registry-password go together", "give both, or neither")
    if ecr.is_ecr(registry) and inputs.registry_username not in ("", "AWS"):
        raise BadInput(
            f"registry-username is {inputs.registry_username!r}, and {registry} knows no user but AWS",
            "leave registry-username and registry-password out: the role has a login at ECR",
        )


def services_of(inputs: BuildInputs) -> tuple[str, ...]:
    """The services that run the one `image`: the one named, else those that the compose files leave no doubt about.

    Raises BadInput where they do.
    """
    if inputs.service:
        return (inputs.service,)
    running = compose.read(_paths(inputs.compose_files), _read).running(inputs.profiles)
    if not (found := services_that_run(inputs.image, running)):
        raise BadInput(
            f"image is {inputs.image}, and which service runs it is not clear: {', '.join(running) or 'none runs'}",
            "name it in `service`",
        )
    return found


def _one(inputs: BuildInputs, version: str, common: Build) -> Wanted:
    build = replace(common, cache_folder=_cache_folder(common.image))
    services: tuple[str, ...] = ()
    with suppress(BadInput):  # an image may be built where there is no compose file
        services = services_of(inputs)
    return Wanted(version, (build,), dict.fromkeys(services, build.image))


def _several(inputs: BuildInputs, version: str, common: Build) -> Wanted:
    given = [name for name in ("service", "dockerfile", "target") if getattr(inputs, name)]
    if given or inputs.context != ".":
        raise BadInput(
            f"{', '.join(given or ['context'])} is given, and image has {SERVICE}: the compose files say what to build",
            f"leave it out, or give `image` a name without {SERVICE}",
        )
    if inputs.cache_ref and SERVICE not in inputs.cache_ref:
        raise BadInput(
            "cache-ref is one image, and several would write over it", f"put {SERVICE} in its name or its tag"
        )
    sections = compose_sections(inputs.compose_files, inputs.profiles)
    builds = tuple(_of_service(name, common) for name in sections.built)
    images = {build.service: build.image for build in builds}
    if len({reference.parse(each).registry for each in images.values()}) > 1:
        raise BadInput(f"image has {SERVICE} in the registry's name", f"put it behind: registry.example.com/{SERVICE}")
    alike = {name: images[built] for name, built in sections.alike.items()}
    return Wanted(version, builds, {**images, **alike}, sections, project_folder(inputs.compose_files))


def _of_service(service: str, common: Build) -> Build:
    image = common.image.replace(SERVICE, service)
    cache_ref = common.cache_ref.replace(SERVICE, service)
    return replace(common, service=service, image=image, cache_ref=cache_ref, cache_folder=_cache_folder(image))


def compose_sections(compose_files: Sequence[str], profiles: Sequence[str] = ()) -> Sections:
    """The build sections of compose files in the working directory; raises BadInput where there are none."""
    return bake.sections(_paths(compose_files), _read, profiles)


def _paths(compose_files: Sequence[str]) -> list[str]:
    return [posixpath.normpath(path) for path in compose_files]


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"compose-files: {path} cannot be read ({error.strerror})", "check the path") from error


def _source_folder(inputs: BuildInputs) -> str:
    """Where the commit is checked out that the images are made from: a job may check out several repositories."""
    if SERVICE in inputs.image:
        return project_folder(inputs.compose_files)
    return "." if build_check.is_remote(inputs.context) else inputs.context


def _revision(context: str, git: Git) -> str:
    """The commit the image is made from: what is checked out, or for a remote context the one it names, if it does."""
    if not build_check.is_remote(context):
        return git.sha
    named = re.search(r"#([0-9a-f]{40})(:|$)", context)
    return named[1] if named else ""


def _labels(inputs: BuildInputs, version: str, revision: str, server_url: str, repository: str) -> dict[str, str]:
    """OCI's own labels, as far as they are known: those of a rebuild are the same."""
    made = commit.date_of(revision, os.environ, _source_folder(inputs))
    remote = re.sub(r"//[^/@]*@", "//", inputs.context.partition("#")[0])  # no password that a URL may hold
    source = f"{server_url}/{repository}" if repository else ""
    labels = {
        REVISION: revision,
        f"{LABEL}.source": remote if build_check.is_remote(inputs.context) else source,
        f"{LABEL}.version": version,
        CREATED: f"{made:%Y-%m-%dT%H:%M:%SZ}" if made else "",
    }
    return {name: value for name, value in labels.items() if value}


def _cache_folder(image: str) -> str:
    """One for each image, outside the checkout, where it would become part of the next build's context."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path(os.environ.get("HOME", "/root")) / ".cache")
    return str(Path(home) / "awesomeorange-deploy" / "buildx" / re.sub(r"[^a-z0-9.]+", "-", image))
