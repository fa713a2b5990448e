"""`build`: an image for one version, pushed, and its digest.

A version that is in the registry already, made from the same commit, is not built again: a job that runs twice ends
with the same digest, also where tags are immutable.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from deployer.aws import ecr
from deployer.commands.interruptible import interruptible
from deployer.commands.registry_access import credentials_for
from deployer.commands.release_version import version_for
from deployer.core.errors import BadInput, DeployError, Refused
from deployer.github.console import Console
from deployer.github.run import RunContext
from deployer.image import build as building
from deployer.image import reference
from deployer.image.build import Build
from deployer.image.docker import Docker, own_config
from deployer.image.reference import Reference
from deployer.image.registry import DIGEST_PATTERN, Credentials, Registries
from deployer.inputs import BuildInputs
from deployer.outcome import Outcome

LABEL = "org.opencontainers.image"
REVISION = f"{LABEL}.revision"


def run(inputs: BuildInputs, console: Console) -> Outcome:
    """Outputs `image` (name@sha256:…), `digest` and `version`; the first two are empty when nothing was pushed."""
    with interruptible("what was pushed stays; run again to finish"):
        version = version_for(inputs.version, console.run)
        build = build_of(inputs, version, console.run)
        image = reference.parse(f"{build.image}:{version}")
        return _outcome(image, version, _digest(inputs, build, image, console))


def _digest(inputs: BuildInputs, build: Build, image: Reference, console: Console) -> str:
    """The digest of the image, built now or before; "" when it is not pushed."""
    credentials = _credentials(inputs, image.registry, console)
    registries = Registries(credentials)
    if before := _built_before(registries, image, build, console):
        return before
    build = _without_taken_tag(registries, build, console)
    with _docker(inputs, image.registry, credentials) as docker:
        reported = _run_build(docker, build, console)
    return (reported or registries.digest(image)) if build.push else ""


def build_of(inputs: BuildInputs, version: str, run: RunContext) -> Build:
    """What the inputs ask for; raises BadInput for everything that is wrong with it."""
    if bool(inputs.registry_username) != bool(inputs.registry_password):
        raise BadInput("registry-username and registry-password go together", "give both, or neither")
    if reference.parse(inputs.image).name != inputs.image:
        raise BadInput(f"image is {inputs.image!r}, with a tag", "give the name alone: the tag is the version")
    build = Build(
        image=inputs.image,
        tags=tuple(dict.fromkeys((version, *([f"sha-{run.sha}"] if run.sha else []), *inputs.extra_tags), 0)),
        context=inputs.context,
        dockerfile=inputs.dockerfile,
        target=inputs.target,
        platforms=inputs.platforms,
        build_args=inputs.build_args,
        secrets=inputs.secrets,
        labels=_labels(version, run),
        cache=inputs.cache,
        cache_folder=_cache_folder(),
        provenance=inputs.provenance,
        sbom=inputs.sbom,
        push=inputs.push,
    )
    building.check(build, os.environ)
    return build


def _labels(version: str, run: RunContext) -> dict[str, str]:
    """OCI's own labels, as far as they are known."""
    labels = {
        REVISION: run.sha,
        f"{LABEL}.source": run.repository_url,
        f"{LABEL}.version": version,
        f"{LABEL}.created": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
    }
    return {name: value for name, value in labels.items() if value}


def _cache_folder() -> str:
    """Outside the checkout, where it would become part of the next build's context."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path(os.environ.get("HOME", "/root")) / ".cache")
    return str(Path(home) / "awesomeorange-deploy" / "buildx")


def _credentials(inputs: BuildInputs, registry: str, console: Console) -> Credentials:
    """The given login for the image's registry; for every other what docker and AWS know."""
    found = credentials_for(inputs, console, inputs.image)
    if not inputs.registry_username:
        return found
    console.mask(inputs.registry_password)
    given = (inputs.registry_username, inputs.registry_password)
    return lambda host: given if host == registry else found(host)


def _built_before(registries: Registries, image: Reference, build: Build, console: Console) -> str:
    """The digest the version has in the registry if it was made from this very commit, else ""."""
    revision = build.labels.get(REVISION, "")
    if not (build.push and revision):
        return ""
    digest, labels = _look_up(registries, image, console)
    if labels.get(REVISION) != revision:
        return ""
    console.say(f"{image.name}:{image.tag} is in the registry already, from the same commit: not built again")
    return digest


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
def _docker(inputs: BuildInputs, registry: str, credentials: Credentials) -> Iterator[Docker]:
    """docker, logged in where it is not yet: with the given login, or at ECR with our AWS identity."""
    plain = {name: value for name, value in os.environ.items() if name != "INPUT_REGISTRY_PASSWORD"}
    Docker(plain).check()
    who = credentials(registry) if inputs.push and (inputs.registry_username or ecr.is_ecr(registry)) else None
    if who is None:
        yield Docker(plain)
        return
    with own_config(plain, registry) as environment:
        docker = Docker(environment)
        docker.login(registry, *who)
        yield docker


def _run_build(docker: Docker, build: Build, console: Console) -> str:
    """Builds and pushes; returns the digest buildx reports, "" if it does not."""
    can_attest = docker.can_attest()
    building.check_abilities(build, can_attest)
    with tempfile.TemporaryDirectory(prefix="build-") as folder:
        metadata = Path(folder) / "metadata.json"
        with console.group(f"Build {build.image}:{build.tags[0]}"):
            docker.stream(building.arguments(build, str(metadata), can_attest), console.say)
        return _digest_in(metadata)


def _digest_in(metadata: Path) -> str:
    try:
        digest = json.loads(metadata.read_bytes()).get("containerimage.digest", "")
    except (OSError, ValueError, AttributeError) as error:
        raise Refused("docker buildx build wrote no metadata", "update buildx: docker buildx version") from error
    return digest if isinstance(digest, str) and re.fullmatch(DIGEST_PATTERN, digest) else ""


def _outcome(image: Reference, version: str, digest: str) -> Outcome:
    pinned = reference.pin(image.name, digest) if digest else ""
    summary = (
        f"**{image.name}:{version}** is `{pinned}`\n"
        if digest
        else f"**{image.name}:{version}** was built, not pushed\n"
    )
    return Outcome(outputs={"image": pinned, "digest": digest, "version": version}, summary=summary)
