"""`build`: images for one version, pushed, and their digests.

A version that is in the registry already, made from the same commit, is not built again: a job that runs twice ends
with the same digest, also where tags are immutable.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from deployer.aws import ecr
from deployer.commands.interruptible import interruptible
from deployer.commands.registry_access import credentials_for
from deployer.commands.wanted_images import CREATED, REVISION, Wanted, wanted_images
from deployer.core.errors import DeployError, Refused
from deployer.github.console import Console
from deployer.image import buildx, plain, reference
from deployer.image.bake import SERVICE
from deployer.image.build import Build
from deployer.image.builder import builder_for
from deployer.image.docker import Docker, own_config
from deployer.image.reference import Reference
from deployer.image.registry import Credentials, Registries
from deployer.inputs import BuildInputs
from deployer.outcome import Outcome


def run(inputs: BuildInputs, console: Console) -> Outcome:
    """Outputs `version`, and of what was pushed `image` (name@sha256:…), `digest`, and `images` by service."""
    with interruptible("what was pushed stays; run again to finish"):
        wanted = wanted_images(inputs, console.run)
        return _outcome(wanted, _digests(inputs, wanted, console))


def _digests(inputs: BuildInputs, wanted: Wanted, console: Console) -> dict[str, str]:
    """The digest of every image, built now or before; "" where it is not pushed."""
    credentials = _credentials(inputs, wanted.registry, console)
    registries = Registries(credentials)
    digests = {build.image: _built_before(registries, build, console) for build in wanted.builds}
    missing = [_without_taken_tag(registries, build, console) for build in wanted.builds if not digests[build.image]]
    if missing:
        try:
            with _docker(inputs, wanted, credentials, console) as docker:
                digests |= _build(docker, replace(wanted, builds=tuple(missing)), console)
        except Refused as refused:
            digests |= _pushed_all_the_same(registries, missing, refused, console)
    if not inputs.push:
        return dict.fromkeys(digests, "")
    return {build.image: digests[build.image] or registries.digest(_tagged(build)) for build in wanted.builds}


def _credentials(inputs: BuildInputs, registry: str, console: Console) -> Credentials:
    """The given login for the images' registry; for every other what docker and AWS know."""
    cache = re.sub(r":[^:/]*$", "", inputs.cache_ref)
    pushed_to = [each.replace(SERVICE, "*") for each in (inputs.image, cache) if each]
    found = credentials_for(inputs, console, pushed_to)
    if not inputs.registry_username:
        return found
    console.mask(inputs.registry_password)
    given = (inputs.registry_username, inputs.registry_password)
    return lambda host: given if host == registry else found(host)


def _tagged(build: Build) -> Reference:
    return reference.parse(build.names[0])


def _built_before(registries: Registries, build: Build, console: Console) -> str:
    """The digest the version has in the registry if it was made from this very commit, else ""."""
    digest = _of_this_commit(registries, build, console)
    if digest:
        console.say(f"{build.names[0]} is in the registry already, from the same commit: not built again")
        _tell_of_other_tags(registries, build, digest, console)
    return digest


def _tell_of_other_tags(registries: Registries, build: Build, digest: str, console: Console) -> None:
    """`latest` may be a newer image's by now, and is not taken back."""
    for tag in build.tags:
        if tag in (build.tags[0], f"sha-{build.labels[REVISION]}"):
            continue
        name = f"{build.image}:{tag}"
        if _look_up(registries, reference.parse(name), console)[0] != digest:
            console.warning(
                "extra-tags",
                f"{name} is not this image, and stays as it is, because nothing was built "
                f"(docker buildx imagetools create --tag {name} {reference.pin(build.image, digest)})",
            )


def _of_this_commit(registries: Registries, build: Build, console: Console) -> str:
    revision = build.labels.get(REVISION, "")
    if not (build.push and revision):
        return ""
    digest, labels = _look_up(registries, _tagged(build), console)
    return digest if labels.get(REVISION) == revision else ""


def _pushed_all_the_same(
    registries: Registries, builds: Sequence[Build], refused: Refused, console: Console
) -> dict[str, str]:
    """The digests of versions that are in the registry although docker gave up; raises `refused` where one is not.

    docker repeats a push whose answer was lost, and where tags never move the second one is refused; or another tag is.
    """
    digests = {each.image: _of_this_commit(registries, each, console) for each in builds}
    if not all(digests.values()):
        raise refused
    names = ", ".join(each.names[0] for each in builds)
    console.warning(f"{names} is pushed, some other tag may not be", f"{refused.what}; {refused.fix}")
    return digests


def _without_taken_tag(registries: Registries, build: Build, console: Console) -> Build:
    """The commit's own tag stays with the commit's first build: where tags are immutable it could not be moved."""
    tag = f"sha-{build.labels.get(REVISION, '')}"
    if not build.push or tag not in build.tags:
        return build
    digest, _ = _look_up(registries, reference.parse(f"{build.image}:{tag}"), console)
    return replace(build, tags=tuple(each for each in build.tags if each != tag)) if digest else build


def _look_up(registries: Registries, image: Reference, console: Console) -> tuple[str, dict[str, str]]:
    """Digest and labels of a tag; both empty if there is none, or if nobody will say."""
    try:
        return registries.labels(image) or ("", {})
    except DeployError as error:  # a repository that does not exist yet may look like one we must not read
        console.say(f"cannot tell whether {image.name}:{image.tag} is there already: {error.what}")
        return "", {}


@contextmanager
def _docker(inputs: BuildInputs, wanted: Wanted, credentials: Credentials, console: Console) -> Iterator[Docker]:
    """docker, logged in where it is not yet: with the given login, or at ECR with our AWS identity."""
    environment = _environment(wanted.builds[0])
    Docker(environment).check()
    logins = {}
    for registry in _registries(inputs, wanted):
        with _tolerated(inputs, wanted, registry, console):
            if who := credentials(registry):
                logins[registry] = who
    if not logins:
        yield Docker(environment)
        return
    with own_config(environment, logins) as inside:
        docker = Docker(inside)
        for registry, who in logins.items():
            with _tolerated(inputs, wanted, registry, console):
                docker.login(registry, *who)
        yield docker


def _registries(inputs: BuildInputs, wanted: Wanted) -> Iterator[str]:
    """Where we have a login that docker lacks: at the images' registry, which may hold their base too, and the cache's.

    Other registries a Dockerfile names nobody knows before it is built.
    """
    cache = wanted.builds[0].cache_ref
    for registry in dict.fromkeys([wanted.registry, *([reference.parse(cache).registry] if cache else [])]):
        if ecr.is_ecr(registry) or (inputs.registry_username and registry == wanted.registry):
            yield registry


@contextmanager
def _tolerated(inputs: BuildInputs, wanted: Wanted, registry: str, console: Console) -> Iterator[None]:
    """A login that fails, unless the push takes it: a base image or a cache may be had without."""
    try:
        yield
    except DeployError as refused:
        if inputs.push and registry == wanted.registry:
            raise
        console.say(f"going on without a login at {registry}: {refused.what}")


def _environment(build: Build) -> dict[str, str]:
    """Ours without the password, with the commit's time as the one of what is built: a rebuild is the same image."""
    environment = {name: value for name, value in os.environ.items() if name != "INPUT_REGISTRY_PASSWORD"}
    if made := build.labels.get(CREATED):
        seconds = datetime.fromisoformat(made.replace("Z", "+00:00")).timestamp()
        environment.setdefault("SOURCE_DATE_EPOCH", f"{seconds:.0f}")
    # bake would ask before it reads a file outside the folder it runs in: what it may read the inputs have said
    environment.setdefault("BUILDX_BAKE_ENTITLEMENTS_FS", "0")
    return environment


def _build(docker: Docker, wanted: Wanted, console: Console) -> dict[str, str]:
    """Builds and pushes; gives each image's digest as docker reports it, "" where it does not."""
    first = wanted.builds[0]
    with console.group(f"Build {', '.join(each.names[0] for each in wanted.builds)}"):
        if not docker.has_buildx():
            plain.check(wanted.builds)
            console.say("docker has no buildx: its plain builder does it")
            return {first.image: plain.build_and_push(docker, first, console.say)}
        with builder_for(docker, wanted.builds, console.say) as builder:
            if wanted.sections is None:
                return {first.image: buildx.build_one(builder, first, console.say)}
            built = buildx.build_several(builder, wanted.builds, wanted.sections, wanted.project, console.say)
            return {each.image: built[each.service] for each in wanted.builds}


def _outcome(wanted: Wanted, digests: Mapping[str, str]) -> Outcome:
    pinned = {image: reference.pin(image, digest) if digest else "" for image, digest in digests.items()}
    only = wanted.builds[0].image if wanted.sections is None else ""
    images = [f"{service}={pinned[image]}" for service, image in wanted.services.items() if pinned[image]]
    return Outcome(
        outputs={
            "image": pinned.get(only, ""),
            "digest": digests.get(only, ""),
            "images": "\n".join(images),
            "version": wanted.version,
        },
        summary="".join(
            f"**{image}:{wanted.version}** {f'is `{pin}`' if pin else 'was built, not pushed'}\n\n"
            for image, pin in pinned.items()
        ),
    )
