"""The bucket's objects, and one runner's way to them: compare-and-swap that is refused, conflicts, or loses answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.core.errors import Refused, Unanswered
from deployer.core.store import AlreadyThere, Changed, Stored

if TYPE_CHECKING:
    from tests.simulation.runner import Runner
    from tests.simulation.world import World

PREFIX = "orange/groups/orange-prod/"


@dataclass(frozen=True)
class Written:
    """A write that happened."""

    at: float
    by: str
    key: str
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class BucketObjects:
    """Every object and, in order, every write; keys without the group's prefix."""

    __slots__ = ("_count", "_objects", "world", "written")

    def __init__(self, world: World) -> None:
        self.world = world
        self._objects: dict[str, Stored] = {}
        self._count = 0
        self.written: list[Written] = []

    def raw(self, key: str) -> bytes | None:
        stored = self._objects.get(PREFIX + key)
        return stored.body if stored else None

    def stored(self, key: str) -> Stored | None:
        return self._objects.get(key)

    def put(self, by: str, key: str, body: bytes) -> str:
        self._count += 1
        etag = f'"{self._count}"'
        self._objects[key] = Stored(body, etag)
        written = Written(self.world.timeline.now, by, key.removeprefix(PREFIX), body)
        self.written.append(written)
        self.world.timeline.tell(f"{by} writes {written.key}")
        self.world.checker.writings.wrote(written)
        return etag

    def keys(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(each for each in self._objects if each.startswith(prefix)))


class StoreOfRunner:
    """A core.store.Store."""

    def __init__(self, runner: Runner) -> None:
        self._runner, self._objects = runner, runner.world.bucket

    def get(self, key: str) -> Stored | None:
        self._begin("GetObject", key)
        stored = self._objects.stored(key)
        self._runner.returns()
        return stored

    def list(self, prefix: str) -> tuple[str, ...]:
        self._begin("ListObjects", prefix)
        keys = self._objects.keys(prefix)
        self._runner.returns()
        return keys

    def create(self, key: str, body: bytes, tags: Mapping[str, str]) -> str:
        self._begin("PutObject", key)
        if self._objects.stored(key) is not None or self._runner.conflicts():
            self._runner.returns()
            raise AlreadyThere(key)
        return self._put(key, body, AlreadyThere(key))

    def replace(self, key: str, body: bytes, etag: str) -> str:
        self._begin("PutObject", key)
        stored = self._objects.stored(key)
        if stored is None or stored.etag != etag or self._runner.conflicts():
            self._runner.returns()
            raise Changed(key)
        return self._put(key, body, Changed(key))

    def _put(self, key: str, body: bytes, met_itself: AlreadyThere | Changed) -> str:
        """Written; where the answer is lost, the repeated request meets its own work, or there is no answer at all."""
        random = self._runner.world.random
        lost = self._runner.loses_reply()
        if lost and random.random() < 0.3:
            self._runner.returns()
            raise Unanswered(f"no answer to PutObject of {key}")
        etag = self._objects.put(self._runner.name, key, body)
        self._runner.returns()
        if lost:
            self._runner.world.timeline.tell(f"the answer to PutObject of {key} is lost")
            raise met_itself if random.random() < 0.5 else Unanswered(f"no answer to PutObject of {key}")
        return etag

    def _begin(self, operation: str, key: str) -> None:
        if self._runner.begins(f"{operation} {key.removeprefix(PREFIX)}", "s3"):
            raise Refused(f"s3:{operation} on {key} was throttled")
