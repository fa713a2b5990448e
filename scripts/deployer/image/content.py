"""The files of a release, gathered from the working directory and checked before anything is uploaded.

The working directory is the release's root. Relative paths inside compose files count from the folder of the first
of them, as compose itself has it. What a service mounts from there goes along by itself, an `env_file` or a secret does
not; a file that compose would miss on the instance is refused here, where somebody is looking.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deployer.core.errors import BadInput
from deployer.core.keys import RESERVED
from deployer.core.release import is_safe_path
from deployer.image import compose
from deployer.image.compose import Compose

MAX_FILES = 1000
MAX_BYTES = 64 * 1024 * 1024
"""A release is configuration. Whoever mounts a folder of data by mistake should not wait for its upload."""


@dataclass(frozen=True)
class Content:
    """Paths in the release and their bytes, compose files first; `warnings` are for the person who publishes."""

    compose: Compose
    compose_files: tuple[str, ...]
    environment_file: str
    files: Mapping[str, bytes]
    warnings: tuple[str, ...] = ()


@dataclass
class _Draft:
    root: Path
    project: str
    environment_file: str
    files: dict[str, bytes] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(body) for body in self.files.values())

    @property
    def is_too_big(self) -> bool:
        return len(self.files) > MAX_FILES or self.size > MAX_BYTES


def collect(
    root: Path, compose_files: Sequence[str], more: Sequence[str], environment_file: str, has_environment: bool
) -> Content:
    """All a release needs beside its images; raises BadInput for the first thing that is wrong.

    `environment_file` counts from the compose project's folder, as `env_file:` in a compose file does, or from the
    working directory where only that is a file some service reads. `has_environment` says whether the instance will
    write that file.
    """
    paths = [_inside(posixpath.normpath(path), "compose-files") for path in compose_files]
    project = posixpath.dirname(paths[0]) if paths else ""
    read = {path: _read(root, path, "compose-files") for path in paths}
    app = compose.read(read)
    draft = _Draft(root, project, _environment_file(project, environment_file, app), files=dict(read))
    for path in more:
        _add(draft, _inside(posixpath.normpath(path), "files"), "files")
    for name, service in app.services.items():
        for mount in service.mounts:
            _add_mount(draft, f"service {name}", mount)
    for path in app.configs:
        _add_mount(draft, "a config", path)
    _check_env_files(draft, app, has_environment)
    _check_secrets(draft, app)
    _check_all(draft, has_environment)
    return Content(app, tuple(paths), draft.environment_file, draft.files, tuple(draft.warnings))


def _environment_file(project: str, path: str, app: Compose) -> str:
    """Where the environment file lies, seen from the release's root."""
    if path.startswith(("/", "~")) or "$" in path:
        raise BadInput(
            f"environment-file is {path!r}", "give a path relative to the compose file, like .env or ../.env"
        )
    wanted = {_on_host(project, each) for service in app.services.values() for each in service.env_files}
    candidates = [posixpath.normpath(posixpath.join(project, path)), posixpath.normpath(path)]
    found = next((each for each in candidates if each in wanted), candidates[0])
    if not (is_safe_path(found.removeprefix("../")) and _is_utf8(found)):
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


def _add_mount(draft: _Draft, who: str, mount: str) -> None:
    path = _on_host(draft.project, mount)
    if path is None or path == draft.environment_file or path in draft.files:
        return
    if path != "." and not is_safe_path(path):
        raise BadInput(
            f"{who} mounts {mount}, which is outside the release",
            "move it below the working directory, or use an absolute path of the instance",
        )
    if (draft.root / path).exists():
        _add(draft, path, f"{who} mounts {mount}:")
    else:
        draft.warnings.append(
            f"{who} mounts {mount}, which is not in the repository: it starts empty with every release "
            "(a named volume or an absolute path would keep its data)"
        )


def _check_env_files(draft: _Draft, app: Compose, has_environment: bool) -> None:
    for name, service in app.services.items():
        for written in service.env_files:
            path = _on_host(draft.project, written)
            if path is None or path in draft.files:
                continue
            if path == draft.environment_file:
                if not has_environment:
                    draft.warnings.append(f"service {name} reads {written}, which is empty without `parameters`")
                continue
            raise BadInput(
                f"service {name} reads {written}, which will not be on the instance",
                f"set `environment-file: {written}` if that is the file `parameters` fills, or add it to `files`",
            )


def _check_secrets(draft: _Draft, app: Compose) -> None:
    for written in app.secrets:
        path = _on_host(draft.project, written)
        if path is not None and path != draft.environment_file and path not in draft.files:
            raise BadInput(
                f"a secret is the file {written}, which will not be on the instance",
                "use an absolute path of the instance, or name the file in `files` if it may lie in the bucket",
            )


def _check_all(draft: _Draft, has_environment: bool) -> None:
    for path in draft.files:
        if path in RESERVED:
            raise BadInput(f"{path} is a name a release uses for itself", "rename the file")
    if has_environment and draft.environment_file in draft.files:
        raise BadInput(
            f"{draft.environment_file} is a file of the release and the place of the environment file",
            "leave it out of `files`, or give no `parameters`",
        )
    if draft.is_too_big:
        raise BadInput(
            f"the release has {len(draft.files)} files of {draft.size:,} bytes together, or more; "
            f"allowed are {MAX_FILES} and {MAX_BYTES:,}",
            "mount or list the files the application needs, not whole folders; data belongs into a volume",
        )


def _add(draft: _Draft, path: str, why: str) -> None:
    """A file, or all files of a folder."""
    for each in _files_below(draft.root, path, why):
        if each not in draft.files:
            draft.files[each] = _read(draft.root, each, why)
        if os.access(draft.root / each, os.X_OK) and not draft.files[each].startswith(b"#!"):
            draft.warnings.append(f"{each} will not be executable on the instance: only scripts with a #! line are")
        if draft.is_too_big:
            return  # _check_all says so


def _files_below(root: Path, path: str, why: str, above: tuple[Path, ...] = ()) -> Iterator[str]:
    """`path` if it is a file, else all files of that folder, links to folders included; `above`: where we came from."""
    if not (root / path).is_dir():
        yield _inside(path, why)
        return
    folder = _real(root, path, why)
    if folder in above:
        raise BadInput(f"{why}: {path} leads round in circles", "take away the link to a folder that it is in itself")
    for name in _names_in(root, path, why):
        if name != ".git":
            yield from _files_below(root, posixpath.normpath(posixpath.join(path, name)), why, (*above, folder))


def _names_in(root: Path, path: str, why: str) -> list[str]:
    try:
        return sorted(os.listdir(root / path))
    except OSError as error:
        raise _unreadable(path, why, error) from error


def _inside(path: str, why: str) -> str:
    if path != "." and not (is_safe_path(path) and _is_utf8(path)):
        raise BadInput(
            f"{why}: {path!r} is not below the working directory, or has a name a release cannot hold",
            "a release holds files below the working directory, their names UTF-8 and free of backslashes and control "
            "characters",
        )
    return path


def _is_utf8(path: str) -> bool:
    """Python hides other bytes of a file's name behind surrogates, which no document can hold."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _real(root: Path, path: str, why: str) -> Path:
    """Where `path` leads; raises BadInput for a link that leaves the working directory, or leads into `.git`."""
    top, real = Path(os.path.realpath(root)), Path(os.path.realpath(root / path))
    if not real.is_relative_to(top):
        raise BadInput(
            f"{why}: {path} is a link that leaves the working directory", "put the file or folder itself there"
        )
    if ".git" in real.relative_to(top).parts and ".git" not in path.split("/"):
        raise BadInput(f"{why}: {path} is a link into .git, where a job may keep its token", "take the link away")
    return real


def _read(root: Path, path: str, why: str) -> bytes:
    _real(root, path, why)
    file = root / path
    try:
        if file.exists() and not file.is_file():
            raise BadInput(f"{why}: {path} is no regular file", "a release holds files and folders of files")
        return file.read_bytes()
    except OSError as error:
        raise _unreadable(path, why, error) from error


def _unreadable(path: str, why: str, error: OSError) -> BadInput:
    return BadInput(
        f"{why}: {path} cannot be read ({error.strerror})",
        "check the path, and that the job has checked the repository out",
    )
