"""The working directory a release is made from: its files read, and nothing from outside it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.core.errors import BadInput
from deployer.core.release import is_safe_path

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Checkout:
    """The directory `root`. What `exclude` matches, in .gitignore's language, is not found in folders."""

    def __init__(self, root: Path, exclude: Sequence[str] = ()) -> None:
        self.root = root
        self._excluded = _patterns(exclude)

    def has(self, path: str) -> bool:
        """Whether there is anything at `path`."""
        return (self.root / path).exists()

    def is_program(self, path: str) -> bool:
        """Whether whoever checked the file out may execute it: the one bit of a file's mode that git keeps."""
        return bool((self.root / path).stat().st_mode & 0o100)

    def files(self, path: str, why: str) -> Iterator[str]:
        """`path` itself if it is a file, else all files of that folder, links to folders included.

        `why` names who wants them where that is refused: BadInput.
        """
        if (self.root / path).is_dir():
            yield from self._files_below(path, why, ())
        else:
            yield inside(path, why)

    def _files_below(self, path: str, why: str, above: tuple[Path, ...]) -> Iterator[str]:
        folder = self._real(path, why)
        if folder in above:
            raise BadInput(
                f"{why}: {path} leads round in circles", "take away the link to a folder that it is in itself"
            )
        for name in self._names_in(path, why):
            each = posixpath.normpath(posixpath.join(path, name))
            is_folder = (self.root / each).is_dir()
            if name == ".git" or self._excluded.match_file(f"{each}/" if is_folder else each):
                continue
            if is_folder:
                yield from self._files_below(each, why, (*above, folder))
            else:
                yield inside(each, why)

    def _names_in(self, path: str, why: str) -> list[str]:
        try:
            return sorted(os.listdir(self.root / path))
        except OSError as error:
            raise _unreadable(path, why, error) from error

    def read(self, path: str, why: str) -> bytes:
        """What a file holds; raises BadInput for what is no file of this directory."""
        self._real(path, why)
        file = self.root / path
        try:
            if file.exists() and not file.is_file():
                raise BadInput(f"{why}: {path} is no regular file", "a release holds files and folders of files")
            return file.read_bytes()
        except OSError as error:
            raise _unreadable(path, why, error) from error

    def _real(self, path: str, why: str) -> Path:
        """Where `path` leads; raises BadInput for a link that leaves the working directory, or leads into `.git`."""
        top, real = Path(os.path.realpath(self.root)), Path(os.path.realpath(self.root / path))
        if not real.is_relative_to(top):
            raise BadInput(
                f"{why}: {path} is a link that leaves the working directory", "put the file or folder itself there"
            )
        if ".git" in real.relative_to(top).parts and ".git" not in path.split("/"):
            raise BadInput(f"{why}: {path} is a link into .git, where a job may keep its token", "take the link away")
        return real


def inside(path: str, why: str) -> str:
    """`path` itself; raises BadInput for one that leads out of the working directory, or that no release can hold."""
    if path != "." and not (is_safe_path(path) and is_utf8(path)):
        raise BadInput(
            f"{why}: {path!r} is not below the working directory, or has a name a release cannot hold",
            "a release holds files below the working directory, their names UTF-8 and free of backslashes and control "
            "characters",
        )
    return path


def is_utf8(path: str) -> bool:
    """Python hides other bytes of a file's name behind surrogates, which no document can hold."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _patterns(exclude: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(exclude)
    except ValueError as error:
        raise BadInput(f"exclude: {error}", "write patterns as in a .gitignore, one a line") from error


def _unreadable(path: str, why: str, error: OSError) -> BadInput:
    return BadInput(
        f"{why}: {path} cannot be read ({error.strerror})",
        "check the path, and that the job has checked the repository out",
    )
