"""The bucket as the rest of the code needs it: objects read whole, written only under a condition.

There is no plain overwrite and no delete: what can be lost to a race or a second run is never offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from deployer.core.errors import DeployError


@dataclass(frozen=True)
class Stored:
    """An object as it was read; `etag` is what `replace` has to be given to change exactly this one."""

    body: bytes
    etag: str


class AlreadyThere(DeployError):
    """`create` found an object under the key.

    It may be our own: when the answer to a first attempt is lost, the repeated request finds its own work.
    Read it before concluding that somebody else was here.
    """

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} exists already", "read what is there; nothing was overwritten")


class Changed(DeployError):
    """`replace` found another object than the one that was read, or none. The same caution applies."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} was changed by somebody else", "run again: it starts from what is there now")


class Store(Protocol):
    """One bucket. Keys are made by core.keys; every method raises Refused when the store says no."""

    def get(self, key: str) -> Stored | None:
        """The object under `key`, or None."""

    def create(self, key: str, body: bytes, tags: Mapping[str, str]) -> str:
        """Writes a new object and returns its etag; raises AlreadyThere."""

    def replace(self, key: str, body: bytes, etag: str) -> str:
        """Writes over the object that was read with `etag` and returns the new one; raises Changed."""

    def list(self, prefix: str) -> tuple[str, ...]:
        """The keys that begin with `prefix`, in the order of their bytes."""


def write(store: Store, key: str, body: bytes, etag: str | None) -> str:
    """Creates the object (no etag), or replaces the one read with `etag`; returns the new etag.

    An answer that gets lost is asked for again, and then our own write looks like somebody else's: what is there is
    compared before AlreadyThere or Changed is raised. Whoever may write the same bytes as another needs a mark in them.
    """
    try:
        return store.create(key, body, {}) if etag is None else store.replace(key, body, etag)
    except (AlreadyThere, Changed):
        found = store.get(key)
        if found is None or found.body != body:
            raise
        return found.etag
