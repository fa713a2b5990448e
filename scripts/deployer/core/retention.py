"""Which releases are no longer needed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

DAY = 24 * 3600.0
"""Seconds."""


@dataclass(frozen=True)
class Folder:
    """What lies under one version: keys, bytes together, and when the last object was written (epoch seconds)."""

    version: str
    keys: tuple[str, ...]
    size: int
    written_at: float
    is_release: bool
    """Whether it has its manifest; without one it was never finished, or was half removed."""


@dataclass(frozen=True)
class Rules:
    """The newest `keep` releases stay, and all that are younger than `older_than` seconds."""

    keep: int
    older_than: float


def newest_first(folders: Sequence[Folder]) -> list[Folder]:
    """As people look for them."""
    return sorted(folders, key=lambda each: (-each.written_at, each.version))


def why_kept(folder: Folder, folders: Sequence[Folder], uses: Collection[str], rules: Rules, now: float) -> str:
    """Why a folder stays, in words; "" for one that may be removed. `uses`: for what its version is needed."""
    if uses:
        return ", ".join(uses)
    if not folder.is_release and now - folder.written_at < DAY:
        return "perhaps being published"
    if now - folder.written_at < rules.older_than:
        return f"younger than {rules.older_than / DAY:g} days"
    releases = [each for each in newest_first(folders) if each.is_release]
    if folder in releases[: rules.keep]:
        return f"among the newest {rules.keep}"
    return ""
