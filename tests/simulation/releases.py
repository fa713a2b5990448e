"""Which release misbehaves on which instance: decided once and for all by the seed, not by who asks when."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from tests.simulation.scenario import Behaviour

GOOD = Behaviour()


class Releases:
    """Everything published, by version; what is not named behaves well."""

    __slots__ = ("_behaviours", "_known", "_seed")

    def __init__(self, seed: int, behaviours: Mapping[str, Behaviour]) -> None:
        self._seed, self._behaviours = seed, behaviours
        self._known: dict[tuple[str, str, str], bool] = {}

    def of(self, version: str) -> Behaviour:
        return self._behaviours.get(version, GOOD)

    def hits(self, version: str, what: str, instance_id: str) -> bool:
        """Whether this release does `what` (a share in Behaviour) on this instance."""
        if version not in self._behaviours:
            return False
        key = (version, what, instance_id)
        if key not in self._known:
            share = getattr(self._behaviours[version], what)
            place = zlib.crc32(f"{self._seed}/{version}/{what}/{instance_id}".encode()) / 2**32
            self._known[key] = place < share
        return self._known[key]
