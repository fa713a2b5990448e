"""The bucket as the rest of the code needs it: objects read whole, written only under a condition.

There is no plain overwrite and no delete: what can be lost to a race or a second run is never offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from deployer.core.errors import DeployError, Refused


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


ATTEMPTS = 3  # at one write, where another meets it


class Owned:
    """An object that only we write, as long as nobody takes it from us.

    An answer that gets lost leaves what we tried to write in the bucket, or not: found there later, by a repeated
    request or by the next write, it must not be taken for somebody else's. Whoever may write the same bytes as another
    needs a mark in them.
    """

    def __init__(self, store: Store, key: str, etag: str | None) -> None:
        self._store, self._key = store, key
        self._tried: set[bytes] = set()
        self.etag = etag
        """Of the object as we last knew it; None where there is none yet."""

    @property
    def may_be_there(self) -> bool:
        """False if there surely is no object."""
        return self.etag is not None or bool(self._tried)

    def write(self, body: bytes) -> str:
        """Creates the object, or replaces it, and returns the new etag.

        Raises AlreadyThere or Changed where somebody else wrote, Refused where writes meet and none gets through.
        """
        self._tried.add(body)
        for _ in range(ATTEMPTS):
            try:
                self.etag = self._put(body)
            except (AlreadyThere, Changed):
                found = self._store.get(self._key)
                if not self._is_ours(found):
                    raise
                self.etag = found.etag if found else None
                if found is None or found.body != body:
                    continue
            self._tried.clear()
            return str(self.etag)
        raise Refused(f"{self._key} was not written: another write met it each time", "run again")

    def _is_ours(self, found: Stored | None) -> bool:
        """True for what we tried to write, and for what is as we knew it: S3 refuses a write that another one meets."""
        if found is None:
            return self.etag is None
        return found.body in self._tried or found.etag == self.etag

    def _put(self, body: bytes) -> str:
        if self.etag is None:
            return self._store.create(self._key, body, {})
        return self._store.replace(self._key, body, self.etag)


def write(store: Store, key: str, body: bytes, etag: str | None) -> str:
    """Creates the object (no etag), or replaces the one read with `etag`; returns the new etag.

    Raises AlreadyThere or Changed where what is there is not what was to be written.
    """
    return Owned(store, key, etag).write(body)
