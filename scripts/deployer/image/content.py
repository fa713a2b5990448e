"""The files of a release: the compose files, what they mount, and what else was named.

The working directory is the release's root. Relative paths inside compose files count from the folder of the first
of them, as compose itself has it. What a service mounts from there goes along by itself, an `env_file` or a secret does
not; a file that compose would miss on the instance is refused here, where somebody is looking.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deployer.core.errors import BadInput
from deployer.core.keys import RESERVED
from deployer.core.release import is_safe_path
from deployer.image import compose, compose_clashes
from deployer.image.checkout import Checkout, inside, is_utf8
from deployer.image.compose import Compose, Service

MAX_FILES = 1000
MAX_BYTES = 64 * 1024 * 1024
"""A release is configuration. Whoever mounts a folder of data by mistake should not wait for its upload."""


@dataclass(frozen=True)
class Wanted:
    """What the inputs say of a release's files.

    `environment_file` counts from the compose project's folder, as `env_file:` in a compose file does, or from the
    working directory where only that is a file some service reads. `has_environment`: the instance will write it.
    """

    compose_files: Sequence[str] = ("docker-compose.yml",)
    files: Sequence[str] = ()
    exclude: Sequence[str] = ()
    profiles: Sequence[str] = ()
    environment_file: str = ".env"
    has_environment: bool = False


@dataclass(frozen=True)
class Content:
    """Paths in the release and their bytes, compose files first; `warnings` are for the person who publishes."""

    compose: Compose
    compose_files: tuple[str, ...]
    profiles: tuple[str, ...]
    environment_file: str
    files: Mapping[str, bytes]
    programs: frozenset[str] = frozenset()
    """The files that may be executed."""
    warnings: tuple[str, ...] = ()

    @property
    def running(self) -> Mapping[str, Service]:
        """The services that run."""
        return self.compose.running(self.profiles)


@dataclass
class _Draft:
    checkout: Checkout
    project: str
    environment_file: str
    has_environment: bool
    files: dict[str, bytes] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(body) for body in self.files.values())

    @property
    def is_too_big(self) -> bool:
        return len(self.files) > MAX_FILES or self.size > MAX_BYTES


def collect(root: Path, wanted: Wanted) -> Content:
    """All a release needs beside its images; raises BadInput for the first thing that is wrong."""
    checkout = Checkout(root, wanted.exclude)
    paths = [inside(posixpath.normpath(path), "compose-files") for path in wanted.compose_files]
    project = posixpath.dirname(paths[0]) if paths else ""
    app = compose.read(paths, lambda path: checkout.read(inside(path, "compose-files"), "compose-files"))
    compose_clashes.check(app, wanted.profiles)
    running = app.running(wanted.profiles)
    environment_file = _environment_file(project, wanted.environment_file, running)
    draft = _Draft(checkout, project, environment_file, wanted.has_environment, files=dict(app.files))
    for path in wanted.files:
        _add(draft, inside(posixpath.normpath(path), "files"), "files")
    _add_what_is_mounted(draft, app, running)
    _check_env_files(draft, running)
    _check_files_read(draft, app, running)
    _check_variables(draft, app, running)
    _check_secrets(draft, app, running)
    _check_all(draft)
    programs = frozenset(path for path in draft.files if checkout.is_program(path))
    return Content(
        app, tuple(paths), tuple(wanted.profiles), environment_file, draft.files, programs, tuple(draft.warnings)
    )


def _environment_file(project: str, path: str, running: Mapping[str, Service]) -> str:
    """Where the environment file lies, seen from the release's root."""
    if path.startswith(("/", "~")) or "$" in path:
        raise BadInput(
            f"environment-file is {path!r}", "give a path relative to the compose file, like .env or ../.env"
        )
    read = {_on_host(project, each) for service in running.values() for each in service.env_files}
    candidates = [posixpath.normpath(posixpath.join(project, path)), posixpath.normpath(path)]
    found = next((each for each in candidates if each in read), candidates[0])
    if not (is_safe_path(found.removeprefix("../")) and is_utf8(found)):
        raise BadInput(
            f"environment-file {path!r} is too far away",
            "it lies in the working directory, or at most one level above: .env or ../.env",
        )
    return found


def _on_host(project: str, path: str) -> str | None:
    """A path of a compose file seen from the release's root; None if it belongs to the instance or is not known yet."""
    if path.startswith(("/", "~")) or "$" in path:
        return None
    return posixpath.normpath(posixpath.join(project, path))


def _add_what_is_mounted(draft: _Draft, app: Compose, running: Mapping[str, Service]) -> None:
    for name, service in running.items():
        for mount in service.mounts:
            _add_mount(draft, f"service {name}", mount)
        for config in service.configs:
            if written := app.configs[config]:
                _add_mount(draft, f"service {name}", written, needed=f"config {config}")


def _add_mount(draft: _Draft, who: str, mount: str, needed: str = "") -> None:
    """`needed`: what docker does not start without."""
    path = _on_host(draft.project, mount)
    if path is None or path == draft.environment_file or path in draft.files:
        return
    if path != "." and not is_safe_path(path):
        raise BadInput(
            f"{who} mounts {mount}, which is outside the release",
            "move it below the working directory, or use an absolute path of the instance",
        )
    if draft.checkout.has(path):
        _add(draft, path, f"{who} mounts {mount}:")
    elif needed:
        raise BadInput(f"{needed} of {who} is the file {mount}, which is not there", "check the path and the checkout")
    else:
        draft.warnings.append(
            f"{who} mounts {mount}, which is not in the repository: it starts empty with every release "
            "(a named volume or an absolute path would keep its data)"
        )


def _check_env_files(draft: _Draft, running: Mapping[str, Service]) -> None:
    for name, service in running.items():
        for written in service.env_files:
            path = _on_host(draft.project, written)
            if path is None or path in draft.files:
                continue
            if path == draft.environment_file:
                if not draft.has_environment:
                    draft.warnings.append(f"service {name} reads {written}, which is empty without `parameters`")
                continue
            raise BadInput(
                f"service {name} reads {written}, which will not be on the instance",
                f"set `environment-file: {written}` if that is the file `parameters` fills, or add it to `files`",
            )


def _check_files_read(draft: _Draft, app: Compose, running: Mapping[str, Service]) -> None:
    """Whatever else compose itself reads and does not start without."""
    read = [
        *((f"service {name}", _on_host(draft.project, each), each) for name, each in _label_files(running)),
        *(("an `include`", _on_host("", each), each) for each in app.env_files),
    ]
    for who, path, written in read:
        if path is not None and path != draft.environment_file and path not in draft.files:
            raise BadInput(f"{who} reads {written}, which will not be on the instance", "add it to `files`")


def _label_files(running: Mapping[str, Service]) -> Iterator[tuple[str, str]]:
    return ((name, each) for name, service in running.items() for each in service.label_files)


def _check_variables(draft: _Draft, app: Compose, running: Mapping[str, Service]) -> None:
    """Without an environment nothing is known of `${NAME}`; what an included file has of its own is not looked at."""
    own = {posixpath.normpath(each) for each in (*app.env_files, *(f"{each or '.'}/.env" for each in app.folders))}
    if draft.has_environment or draft.environment_file in draft.files or own & draft.files.keys():
        return
    names = dict.fromkeys((*app.variables, *(each for service in running.values() for each in service.variables)))
    for name in names:
        draft.warnings.append(
            f"${{{name}}} stands for nothing on an instance: add {draft.environment_file} to `files`, "
            "or keep the values in `parameters`"
        )


def _check_secrets(draft: _Draft, app: Compose, running: Mapping[str, Service]) -> None:
    """Only those of containers: what a build takes is needed where it is built."""
    for name, service in running.items():
        for secret in service.secrets:
            path = _on_host(draft.project, written) if (written := app.secrets[secret]) else None
            if path is not None and path != draft.environment_file and path not in draft.files:
                raise BadInput(
                    f"secret {secret} of service {name} is the file {written}, which will not be on the instance",
                    "use an absolute path of the instance, or name the file in `files` if it may lie in the bucket",
                )


def _check_all(draft: _Draft) -> None:
    for path in draft.files:
        if path in RESERVED:
            raise BadInput(f"{path} is a name a release uses for itself", "rename the file")
    if draft.has_environment and draft.environment_file in draft.files:
        raise BadInput(
            f"{draft.environment_file} is a file of the release and the place of the environment file",
            f"leave it out of `files`, or of a folder that is mounted with `exclude: {draft.environment_file}`, "
            "or give no `parameters`",
        )
    if draft.is_too_big:
        raise BadInput(
            f"the release has {len(draft.files)} files of {draft.size:,} bytes together, or more; "
            f"allowed are {MAX_FILES:,} and {MAX_BYTES:,}. The largest: {_largest(draft)}",
            "name files instead of folders, or leave files out with `exclude`; data belongs into a volume",
        )


def _largest(draft: _Draft) -> str:
    largest = sorted(draft.files, key=lambda path: -len(draft.files[path]))[:3]
    return ", ".join(f"{path} ({len(draft.files[path]):,} bytes)" for path in largest)


def _add(draft: _Draft, path: str, why: str) -> None:
    """A file, or all files of a folder."""
    for each in draft.checkout.files(path, why):
        if each not in draft.files:
            draft.files[each] = draft.checkout.read(each, why)
        if draft.is_too_big:
            return  # _check_all says so
