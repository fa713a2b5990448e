"""One instance as it really is: its state file, its containers, its agent, and how the load balancer sees it."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.work import Work

SECRET = "hunter2-of-the-simulation"
"""A secret of the application: it is in the raw output of commands, and must never be anywhere else."""


@cache
def sha_of(version: str) -> str:
    """The manifest's sha256 of a version; "" runs nothing and has none."""
    return hashlib.sha256(version.encode()).hexdigest() if version else ""


class Host:
    """An instance. Times in seconds since the epoch; `version`, `generation`, `previous`, `attempt`: its state file."""

    __slots__ = (
        "agent_from",
        "alive",
        "applied",
        "attached",
        "attempt",
        "changed_at",
        "counts_as_online",
        "deaf_until",
        "fetched",
        "generation",
        "healthy_mark",
        "id",
        "lifecycle",
        "lock",
        "moved_at",
        "no_traffic",
        "ok",
        "overlooked",
        "previous",
        "queue",
        "registered",
        "sick_until",
        "since",
        "struck",
        "tried",
        "up",
        "version",
    )

    def __init__(self, instance_id: str, now: float) -> None:
        self.id = instance_id
        self.lifecycle, self.since = "InService", now
        self.alive, self.healthy_mark, self.overlooked, self.attached = True, True, False, False
        self.agent_from, self.deaf_until, self.counts_as_online = now, 0.0, True
        self.version, self.generation, self.previous, self.attempt = "", 0, "", ""
        self.fetched: set[str] = set()
        self.tried: set[str] = set()
        self.up, self.no_traffic, self.sick_until = "", False, 0.0
        self.ok, self.changed_at = False, now
        self.registered, self.moved_at = False, now
        self.lock: Work | None = None
        self.queue: deque[Work] = deque()
        self.applied: list[tuple[int, str, str]] = []
        """Every release it began to run: generation, version, on whose behalf (order, duplicate, boot)."""
        self.struck = False
        """It does not answer because it died or started anew by itself; without a load balancer nobody can know."""

    def rests_on(self, version: str, generation: int, now: float) -> None:
        """It ran this release long before."""
        self.version = self.up = version
        self.generation = generation
        self.fetched = {version} if version else set()
        self.changed_at = self.moved_at = now - 1000
        self.ok = bool(version)

    def settle(self, now: float) -> None:
        """Whether the application answers is found out anew; to call after every change."""
        ok = self.alive and bool(self.up) and not self.no_traffic and now >= self.sick_until
        if ok is not self.ok:
            self.ok, self.changed_at = ok, now

    def enters(self, lifecycle: str, now: float) -> None:
        self.lifecycle, self.since = lifecycle, now

    def moves(self, registered: bool, now: float) -> None:
        """Into the target group or out of it; asking for what is so already changes nothing."""
        if self.registered is not registered:
            self.registered, self.moved_at = registered, now

    @property
    def settled(self) -> bool:
        return not self.lifecycle.startswith(("Pending", "Terminat", "Detach"))

    @property
    def doubled(self) -> bool:
        """An order delivered twice runs there, or was the last to change it: its answer said something else."""
        at_it = self.lock is not None and self.lock.by == "duplicate"
        return at_it or (bool(self.applied) and self.applied[-1][2] == "duplicate")

    def would_change(self, generation: int, version: str) -> bool:
        """Neither refused as old nor found to be so already."""
        rests = version == self.version == self.up and not self.attempt
        return generation > self.generation or (generation == self.generation and not rests)

    def hears(self, now: float) -> bool:
        """An order gets through to its agent."""
        return self.alive and self.agent_from <= now and self.deaf_until <= now

    def marker(self, outcome: str, reason: str = "") -> str:
        """The last line of output of a command: what it has recorded as running, unless an attempt has not ended."""
        known = bool(self.version) and not self.attempt
        marker = {
            "outcome": outcome,
            "version": self.version if known else "",
            "generation": self.generation if known else 0,
            "manifest_sha256": sha_of(self.version) if known else "",
            "reason": reason,
            "seconds": {"fetch": 0.5, "pull": 2.1, "up": 0.9, "health": 1.4},
        }
        return f"deployer: {json.dumps(marker)}"
