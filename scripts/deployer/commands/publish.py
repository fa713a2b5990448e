"""`publish`: put a release into the bucket, once and for all.

Everything is collected and checked first. Then the files go up, each only if its key is free, and the manifest goes
last: a release that has one is complete. See docs/decisions/0003-release-format.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from deployer import instance_files
from deployer.aws import reach
from deployer.aws.bucket import Bucket
from deployer.aws.session import open_session
from deployer.commands.interruptible import interruptible
from deployer.commands.registry_access import credentials_for
from deployer.commands.release_version import git_of, project_folder, version_for
from deployer.core import keys
from deployer.core.errors import BadInput, DeployError
from deployer.core.release import (
    PARAMETERS_PATTERN,
    PROGRAM,
    REGISTRY_PATTERN,
    EnvironmentSource,
    Git,
    Health,
    Release,
    ReleaseFile,
    Run,
    Script,
    is_parameter,
    sha256_of,
)
from deployer.core.sameness import differences
from deployer.core.store import AlreadyThere, Store, Stored
from deployer.github.console import Console
from deployer.github.run import RunContext
from deployer.image import compose_clashes, pins, reference
from deployer.image.content import Content, Wanted, collect
from deployer.image.pins import Choice
from deployer.image.registry import Registries
from deployer.inputs import PublishInputs
from deployer.outcome import Outcome

URL_PATTERN = r"https?://[!-~]+"
MOST_PARAMETERS = 10
"""Parameter Store: ssm:GetParameters takes this many names at once."""


@dataclass(frozen=True)
class Draft:
    """What the inputs and the working directory say; only images may still have to be resolved."""

    version: str
    git: Git
    content: Content
    choice: Choice
    environment: EnvironmentSource
    health: Health
    registries: Mapping[str, str]
    activate: bytes


@dataclass(frozen=True)
class _Publication:
    """A release and the bytes of all its objects but the manifest, by path."""

    release: Release
    bodies: Mapping[str, bytes]


def run(inputs: PublishInputs, console: Console) -> Outcome:
    """Outputs `version` and `manifest-sha256`."""
    with interruptible("a release without its manifest does not exist yet; run again to finish"):
        draft = draft_of(inputs, console.run)
        session = open_session(inputs, console, reach=reach.publishing(inputs.app, inputs.bucket))
        store = Bucket(session.client("s3"), inputs.bucket)
        existing = store.get(keys.release(inputs.app, draft.version))
        publication = _complete(inputs, draft, _known_pins(existing), console)
        _tell(publication.release, draft, console)
        if existing is None:
            existing = _publish(store, publication, console)
        manifest = _same(publication.release, existing)
        console.say(f"{inputs.app} {draft.version} is published: manifest sha256 {manifest}")
        return _outcome(inputs, draft.version, manifest)


def draft_of(inputs: PublishInputs, run: RunContext) -> Draft:
    """What is to be published; raises BadInput for everything that is wrong and can be known without asking anyone."""
    keys.check_app(inputs.app)
    keys.check_bucket(inputs.bucket)
    git = git_of(run, project_folder(inputs.compose_files))
    version = version_for(inputs.version, run, git)
    health = _health(inputs)
    check_parameters(inputs.parameters)
    content = collect(Path.cwd(), _wanted(inputs))
    choice = pins.choose(content.compose, pins.parse_given(inputs.images), inputs.pin_images, content.profiles)
    environment = EnvironmentSource(inputs.parameters, content.environment_file)
    registries = registries_of(inputs.registry_credentials)
    return Draft(version, git, content, choice, environment, health, registries, instance_files.activate().encode())


def _wanted(inputs: PublishInputs) -> Wanted:
    return Wanted(
        compose_files=inputs.compose_files,
        files=inputs.files,
        exclude=inputs.exclude,
        profiles=inputs.profiles,
        environment_file=inputs.environment_file,
        has_environment=bool(inputs.parameters),
    )


def _health(inputs: PublishInputs) -> Health:
    check_url(inputs.health_check)
    if not 100 <= inputs.health_status <= 599:
        raise BadInput(f"health-status is {inputs.health_status}", "give an HTTP status, 100 to 599")
    if not inputs.health_timeout:
        raise BadInput("health-timeout is 0", "give a release some time to become healthy, for example 120s")
    return Health(inputs.health_check, inputs.health_status, inputs.health_timeout)


def check_url(health_check: str) -> None:
    """Raises BadInput for what is no URL; "" is none at all."""
    if health_check and not re.fullmatch(URL_PATTERN, health_check):
        raise BadInput(
            f"health-check is {health_check!r}",
            "give a URL as the instance reaches it, for example http://localhost:8080/health",
        )


def check_parameters(name: str) -> None:
    """Raises BadInput for what Parameter Store has no name for; "" is none at all."""
    if name and not re.fullmatch(PARAMETERS_PATTERN, name):
        raise BadInput(
            f"parameters is {name!r}, which is no name of Parameter Store's",
            "write /orange/env, with a version /orange/env:3, or as a path of parameters /orange/env/",
        )


def registries_of(entries: Sequence[str]) -> dict[str, str]:
    """The `registry-credentials` input, HOST=PARAMETER each; raises BadInput."""
    found: dict[str, str] = {}
    for entry in entries:
        host, _, parameter = entry.partition("=")
        host = reference.known_as(host)
        if not re.fullmatch(REGISTRY_PATTERN, host) or not is_parameter(parameter):
            raise BadInput(
                f"`registry-credentials` has {entry!r}",
                "write HOST=PARAMETER: the registry as image names have it (docker.io where they have none), and the "
                "name of a parameter that holds USERNAME:PASSWORD, for example docker.io=/orange/dockerhub",
            )
        if found.get(host, parameter) != parameter:
            raise BadInput(f"`registry-credentials` names {host} twice", "one parameter for each registry")
        found[host] = parameter
    if len(set(found.values())) > MOST_PARAMETERS:
        raise BadInput(f"`registry-credentials` names more than {MOST_PARAMETERS} parameters", "take fewer registries")
    return found


def _known_pins(existing: Stored | None) -> Mapping[str, str]:
    """What this version's release already resolved: a tag that moved since does not make it another release."""
    return Release.from_json(existing.body).images if existing else {}


def _complete(inputs: PublishInputs, draft: Draft, known: Mapping[str, str], console: Console) -> _Publication:
    registries = Registries(credentials_for(inputs, console))
    found = draft.choice.resolved(known, lambda image: registries.digest(reference.parse(image)))
    images = {service: found[service] for service in draft.content.compose.services if service in found}
    files = dict(draft.content.files)
    compose = list(draft.content.compose_files)
    if override := pins.override(draft.content.compose, images):
        files[keys.OVERRIDE] = override
        compose.append(keys.OVERRIDE)
    release = Release(
        app=inputs.app,
        version=draft.version,
        created_at=f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        git=draft.git,
        run=_run(console.run),
        images=images,
        environment=draft.environment,
        compose=tuple(compose),
        health=draft.health,
        files=tuple(_file(path, body, draft.content) for path, body in files.items()),
        activate=Script(keys.ACTIVATE, sha256_of(draft.activate)),
        registries=draft.registries,
        profiles=draft.content.profiles,
    )
    return _Publication(release, {keys.ACTIVATE: draft.activate, **files})


def _file(path: str, body: bytes, content: Content) -> ReleaseFile:
    return ReleaseFile(path, sha256_of(body), len(body), PROGRAM if path in content.programs else "")


def _run(run: RunContext) -> Run:
    return Run(run.run_id, run.run_attempt, run.run_url, run.actor)


def _tell(release: Release, draft: Draft, console: Console) -> None:
    content = draft.content
    clashes = compose_clashes.warnings(content.compose, content.running, release.health.url)
    for warning in (*content.warnings, *clashes):
        console.warning("release", warning)
    for service, image in draft.choice.floating.items():
        console.warning("not pinned", f"service {service} runs {image}: each instance pulls what that is then")
    with console.group(f"Release {release.app} {release.version}"):
        if release.git.sha:
            console.say(f"commit {release.git.sha} {release.git.ref or '(no ref known)'} {release.git.repository}")
        for service, image in release.images.items():
            console.say(f"image {service}: {image}")
        for service in content.compose.services.keys() - content.running.keys():
            console.say(f"service {service} does not run: none of its profiles is chosen")
        for file in release.files:
            console.say(f"file {file.path}: {file.size:,} bytes")


def _publish(store: Store, publication: _Publication, console: Console) -> Stored:
    """Uploads what is not there yet; returns the manifest that ends up there, ours or of a run that was faster."""
    release = publication.release
    tags = {"version": release.version, "git-sha": release.git.sha, "run-id": release.run.id}
    for path, body in publication.bodies.items():
        _upload(store, keys.release(release.app, release.version, path), body, tags)
    key = keys.release(release.app, release.version)
    try:
        etag = store.create(key, release.to_json(), tags)
    except AlreadyThere as there:
        if (found := store.get(key)) is None:
            raise there
        return found
    console.say(f"{len(publication.bodies) + 1} objects uploaded")
    return Stored(release.to_json(), etag)


def _upload(store: Store, key: str, body: bytes, tags: Mapping[str, str]) -> None:
    """An object with these very bytes may be there already: a publish that was killed left it."""
    try:
        store.create(key, body, tags)
    except AlreadyThere as there:
        found = store.get(key)
        if found is None or found.body != body:
            raise DeployError(
                f"{there.what} with other content, left by a publish of this version that did not finish",
                "publish as another version: what is in a release is never overwritten",
            ) from there


def _same(release: Release, existing: Stored) -> str:
    """The sha256 of the manifest that is there; raises DeployError if it is another release than this."""
    if different := differences(Release.from_json(existing.body), release):
        raise DeployError(
            f"{release.app} {release.version} is published already, with other content: {'; '.join(different)}",
            "publish as another version: a published release never changes",
        )
    return sha256_of(existing.body)


def _outcome(inputs: PublishInputs, version: str, manifest: str) -> Outcome:
    summary = f"**{inputs.app} {version}** is published in `{inputs.bucket}`, manifest sha256 `{manifest}`.\n"
    return Outcome(outputs={"version": version, "manifest-sha256": manifest}, summary=summary)
