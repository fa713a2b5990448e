"""The manifest of a release: `release.json`, the root of trust of everything an instance runs.

Its sha256 travels with every order to an instance; from there each file is checked by the sha256 it names.

Beside it `desired.json`: the release a group should run and its newborns boot.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from deployer.core import document
from deployer.core.document import SCHEMA, Fields
from deployer.core.errors import DeployError
from deployer.core.keys import APP_PATTERN
from deployer.core.version import VERSION_PATTERN

SHA256_PATTERN = r"[0-9a-f]{64}"
PARAMETERS_PATTERN = r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*(:[1-9][0-9]*|/)?"
"""Parameter Store: a name, a name with a version, or a path ending in `/`."""
PARAMETER_PATTERN = r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*"
"""Parameter Store: a name alone."""
REGISTRY_PATTERN = r"localhost(:[0-9]+)?|(?=[^/]*[.:])[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?"
"""A registry's host, with its port if it has one, as image names begin; `docker.io` for those without."""
PROGRAM = "755"
"""The mode of a file that may be executed: all that git knows of modes."""
PINNED_PATTERN = r"[^\s@]+@sha256:[0-9a-f]{64}"


def sha256_of(body: bytes) -> str:
    """Hexadecimal, as everywhere in the documents."""
    return hashlib.sha256(body).hexdigest()


def is_safe_path(path: str) -> bool:
    """Whether `path` is a relative POSIX path below the release's root, written in its shortest form.

    Control characters are refused as well: a shell on the instance reads the paths line by line.
    """
    parts = path.split("/")
    return all(part not in ("", ".", "..") for part in parts) and not re.search(r"[\x00-\x1f\x7f\\]", path)


def is_parameter(name: str) -> bool:
    """Whether Parameter Store may have a parameter of that name."""
    return re.fullmatch(PARAMETER_PATTERN, name) is not None


@dataclass(frozen=True)
class Git:
    """The commit a release was made from; empty strings where nobody knows."""

    sha: str = ""
    ref: str = ""
    repository: str = ""


@dataclass(frozen=True)
class Run:
    """The workflow run that published a release, in GitHub's own words; empty strings outside Actions."""

    id: str = ""
    attempt: str = ""
    url: str = ""
    actor: str = ""


@dataclass(frozen=True)
class EnvironmentSource:
    """`parameters`: Parameter Store `NAME`, `NAME:VERSION`, a path ending in `/`, or "" for none.

    `file`: where compose expects the environment, below the release's root; it alone may lie one level above.
    """

    parameters: str
    file: str


@dataclass(frozen=True)
class Health:
    """`url` as seen from the instance ("" for containers only) answers `status` `successes` times in a row.

    `timeout` in seconds counts from the moment the containers are up.
    """

    url: str = ""
    status: int = 200
    timeout: int = 120
    successes: int = 3


@dataclass(frozen=True)
class ReleaseFile:
    """A file of a release; `size` in bytes, `mode` PROGRAM or "" for one that is only read."""

    path: str
    sha256: str
    size: int
    mode: str = ""


@dataclass(frozen=True)
class Script:
    """The script that activates this very release on an instance."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Release:
    """One release; `images` maps services to `name@sha256:…`, `compose` lists files in compose's order.

    `registries` maps hosts to the names of parameters with a login each; a manifest without any does not have it.
    `profiles` are those of the compose files that are chosen.
    """

    app: str
    version: str
    created_at: str
    git: Git
    run: Run
    images: Mapping[str, str]
    environment: EnvironmentSource
    compose: tuple[str, ...]
    health: Health
    files: tuple[ReleaseFile, ...]
    activate: Script
    registries: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """The bytes of `release.json`; their sha256 is the release's `manifest_sha256`.

        What only some releases have stands in no other's.
        """
        fields = {"schema": SCHEMA, **asdict(self), "files": [_without(asdict(each), "mode") for each in self.files]}
        return document.write(_without(fields, "registries", "profiles"))

    @classmethod
    def from_json(cls, body: bytes, place: str = "release.json") -> Release:
        """The release a manifest describes; raises DeployError naming what is wrong with it."""
        fields = document.read(body, place)
        release = cls(
            app=fields.text("app", APP_PATTERN),
            version=fields.text("version", VERSION_PATTERN),
            created_at=fields.text("created_at"),
            git=_git(fields.part("git")),
            run=_run(fields.part("run")),
            images=fields.named_texts("images"),
            environment=_environment(fields.part("environment")),
            compose=fields.texts("compose"),
            health=_health(fields.part("health")),
            files=tuple(_file(each) for each in fields.parts("files")),
            activate=_script(fields.part("activate")),
            registries=fields.named_texts("registries") if fields.has("registries") else {},
            profiles=fields.texts("profiles") if fields.has("profiles") else (),
        )
        fields.end()
        _check(release, place)
        return release


@dataclass(frozen=True)
class ReleaseRef:
    """A release and the sha256 of its manifest: enough to fetch and to check it."""

    version: str
    manifest_sha256: str

    def to_json(self) -> dict[str, str]:
        """As it stands in documents."""
        return {"version": self.version, "manifest_sha256": self.manifest_sha256}

    @classmethod
    def within(cls, fields: Fields, name: str) -> ReleaseRef | None:
        """The one under `name` in a document, None where it is null; raises DeployError."""
        found = fields.part_or_none(name)
        if found is None:
            return None
        ref = cls(found.text("version", VERSION_PATTERN), found.text("manifest_sha256", SHA256_PATTERN))
        found.end()
        return ref


@dataclass(frozen=True)
class Desired:
    """The desired release of a group, moved only by compare-and-swap.

    `version` is "" after a group's first release ever failed when it was desired already: its newborns boot nothing.
    `previous` is what to go back to, None for a group's first release; `updated_at` is a time in UTC
    (ISO 8601), `updated_by` says who moved it.
    """

    generation: int
    version: str
    manifest_sha256: str
    previous: ReleaseRef | None
    updated_at: str
    updated_by: str

    @property
    def release(self) -> ReleaseRef:
        return ReleaseRef(self.version, self.manifest_sha256)

    def to_json(self) -> bytes:
        """The bytes of `desired.json`."""
        return document.write({"schema": SCHEMA, **asdict(self)})

    @classmethod
    def from_json(cls, body: bytes, place: str = "desired.json") -> Desired:
        """Raises DeployError naming what is wrong."""
        fields = document.read(body, place)
        desired = cls(
            generation=fields.number("generation"),
            version=fields.text("version", f"({VERSION_PATTERN})?"),
            manifest_sha256=fields.text("manifest_sha256", f"({SHA256_PATTERN})?"),
            previous=ReleaseRef.within(fields, "previous"),
            updated_at=fields.text("updated_at"),
            updated_by=fields.text("updated_by"),
        )
        fields.end()
        return desired


def _without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    """The fields, but for those of these names that are empty."""
    return {each: value for each, value in fields.items() if each not in names or value}


def _git(fields: Fields) -> Git:
    git = Git(fields.text("sha"), fields.text("ref"), fields.text("repository"))
    fields.end()
    return git


def _run(fields: Fields) -> Run:
    run = Run(fields.text("id"), fields.text("attempt"), fields.text("url"), fields.text("actor"))
    fields.end()
    return run


def _environment(fields: Fields) -> EnvironmentSource:
    source = EnvironmentSource(fields.text("parameters"), fields.text("file"))
    fields.end()
    return source


def _health(fields: Fields) -> Health:
    health = Health(fields.text("url"), fields.number("status"), fields.number("timeout"), fields.number("successes"))
    fields.end()
    return health


def _file(fields: Fields) -> ReleaseFile:
    mode = fields.text("mode", PROGRAM) if fields.has("mode") else ""
    file = ReleaseFile(fields.text("path"), fields.text("sha256", SHA256_PATTERN), fields.number("size"), mode)
    fields.end()
    return file


def _script(fields: Fields) -> Script:
    script = Script(fields.text("path"), fields.text("sha256", SHA256_PATTERN))
    fields.end()
    return script


def _check(release: Release, place: str) -> None:
    """The rules that concern more than one field, or paths."""
    paths = [each.path for each in release.files]
    problems = [
        *(f"path {path!r} leaves the release" for path in paths if not is_safe_path(path)),
        *(f"path {path!r} is there twice" for path in sorted(set(paths)) if paths.count(path) > 1),
        *(f"compose file {path!r} is not among the files" for path in release.compose if path not in paths),
        *(f"registry {each!r} is no host" for each in release.registries if not re.fullmatch(REGISTRY_PATTERN, each)),
        *(f"{each!r} is no parameter" for each in release.registries.values() if not is_parameter(each)),
        *(f"image {each!r} has no digest" for each in release.images.values() if not _is_pinned(each)),
    ]
    if not is_safe_path(release.environment.file.removeprefix("../")):
        problems.append(f"environment file {release.environment.file!r} leaves the release")
    if not is_safe_path(release.activate.path):
        problems.append(f"path {release.activate.path!r} leaves the release")
    if not release.compose:
        problems.append("no compose file")
    if problems:
        raise DeployError(f"{place} is no valid release: {'; '.join(problems)}", "publish it again as a new version")


def _is_pinned(image: str) -> bool:
    return re.fullmatch(PINNED_PATTERN, image) is not None
