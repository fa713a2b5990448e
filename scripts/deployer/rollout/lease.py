"""The lease on a group: one rollout at a time, and a generation that fences the ones before.

`lease.json` is created once and only ever replaced by compare-and-swap; it is released, never deleted, so that the
generation only grows. A holder that dies stops renewing and the lease expires.
Rejected: GitHub's `concurrency` alone. It ends at the repository's edge and knows nothing of a person's laptop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from uuid import uuid4

from deployer.core import document
from deployer.core.errors import DeployError, LeaseHeld, Refused
from deployer.core.store import AlreadyThere, Changed, Owned, Store, Stored, write
from deployer.rollout.ports import Clock

LIFETIME = 120  # seconds without renewal until another rollout may take over
RENEW_AFTER = 30  # seconds


@dataclass(frozen=True)
class Holder:
    """The lease as it stands in the bucket. Times are seconds since the epoch.

    `id` is of one rollout alone: two runs of one owner must not take each other's lease for their own.
    """

    generation: int
    owner: str
    run_url: str
    expires_at: float
    released: bool
    id: str = ""

    def holds(self, now: float) -> bool:
        return not self.released and now < self.expires_at

    def to_json(self) -> bytes:
        return document.write(
            {
                "schema": document.SCHEMA,
                "generation": self.generation,
                "owner": self.owner,
                "run_url": self.run_url,
                "expires_at": utc(self.expires_at),
                "released": self.released,
                "id": self.id,
            }
        )

    @classmethod
    def from_json(cls, body: bytes, place: str) -> Holder:
        """Raises DeployError. Only what the lease is for is asked: generation, owner and expiry."""
        fields = document.read(body, place)
        return cls(
            generation=fields.number("generation"),
            owner=fields.text("owner"),
            run_url=fields.text("run_url") if fields.has("run_url") else "",
            expires_at=seconds_of(fields.text("expires_at"), f"`expires_at` of {place}"),
            released=fields.switch("released") if fields.has("released") else False,
        )


def utc(seconds: float) -> str:
    """An instant as the documents write it: UTC, ISO 8601, whole seconds."""
    return datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(instant: str, what: str) -> float:
    """The instant a document names, in seconds since the epoch; raises DeployError. `what`: its field and place."""
    try:
        return datetime.fromisoformat(instant.replace("Z", "+00:00")).timestamp()
    except ValueError as error:
        raise DeployError(f"{what} is no time: {instant}", "write it in UTC, like 2026-01-31T18:00:00Z") from error


class Lease:
    """A lease we hold. Made by `take`; `generation` is the one to give to instances."""

    def __init__(self, store: Store, key: str, clock: Clock, holder: Holder, etag: str) -> None:
        self._object, self._key, self._clock = Owned(store, key, etag), key, clock
        self._holder = holder
        self._renewed_at = holder.expires_at - LIFETIME

    @property
    def generation(self) -> int:
        return self._holder.generation

    def renew(self) -> None:
        """Renews if it is time to, again if that took long; raises LeaseHeld when somebody took over."""
        while self._clock.now() - self._renewed_at >= RENEW_AFTER:
            self._write(self._holder)

    def check(self) -> None:
        """For what is put in order at the end: renews too, but goes without while nobody else can have taken it.

        Raises LeaseHeld when somebody took over, Refused when somebody may have.
        """
        try:
            self.renew()
        except Refused:
            if self._clock.now() - self._renewed_at >= LIFETIME:
                raise

    def advance(self) -> int:
        """The next generation, under the same lease: from here on the orders given before are fenced.

        Where no answer says whether it was written it counts as taken: a generation never goes back.
        """
        self._holder = replace(self._holder, generation=self._holder.generation + 1)
        self._write(self._holder)
        return self.generation

    def release(self) -> None:
        """Lets the next rollout in at once. Somebody else's lease is left alone."""
        try:
            self._write(replace(self._holder, released=True))
        except LeaseHeld:
            return

    def _write(self, holder: Holder) -> None:
        """Counted from before the call: whoever is held up in it has a lease that is that much older."""
        asked_at = self._clock.now()
        holder = replace(holder, expires_at=asked_at + LIFETIME)
        try:
            self._object.write(holder.to_json())
        except (AlreadyThere, Changed) as error:
            raise LeaseHeld(
                f"another rollout took {self._key} over while this one was not renewing it",
                "look at the other rollout's log: it finishes or restores what this one began",
            ) from error
        self._holder, self._renewed_at = holder, asked_at


def take(
    store: Store, key: str, clock: Clock, owner: str, run_url: str, stored: Stored | None, last: Holder | None
) -> Lease | None:
    """The lease under the next generation, or None where somebody was quicker; `stored` is what was read."""
    generation = last.generation + 1 if last else 1
    mine = Holder(generation, owner, run_url, clock.now() + LIFETIME, released=False, id=uuid4().hex)
    try:
        etag = write(store, key, mine.to_json(), stored.etag if stored else None)
    except (AlreadyThere, Changed):
        return None
    return Lease(store, key, clock, mine, etag)


def held(group: str, holder: Holder) -> LeaseHeld:
    """The refusal that names who holds it."""
    where = f" ({holder.run_url})" if holder.run_url else ""
    return LeaseHeld(
        f"{holder.owner} is rolling out to {group}{where}; its lease runs until {utc(holder.expires_at)}",
        "wait for it, or give --wait-for-lease; if that run is dead, its lease expires by itself",
    )
