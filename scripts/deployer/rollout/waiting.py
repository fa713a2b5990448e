"""Waiting for a group's lease: one run at most waits, and a newer release asked for takes its place.

`waiting.json` holds the claim of the one that waits. Like the lease it is replaced by compare-and-swap and ends by
itself; unlike the lease it keeps nobody safe, it only decides who comes next (docs/decisions/0012-waiting.md).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import uuid4

from deployer.core import document, keys
from deployer.core.errors import Interrupted, LeaseHeld, Refused
from deployer.core.store import AlreadyThere, Changed, Store, Stored, write
from deployer.rollout.lease import LIFETIME, RENEW_AFTER, Holder, Lease, held, seconds_of, take, utc
from deployer.rollout.patience import patiently
from deployer.rollout.ports import Clock

ASK_EVERY = 2  # seconds between two looks at a lease somebody else holds


@dataclass(frozen=True)
class Claim:
    """A wish for a group's lease, as it stands in the bucket. Times are seconds since the epoch.

    `as_of`: how new the wish is; of two, the newer comes to the group. `since`: when it began to wait.
    """

    id: str
    owner: str
    run_url: str
    version: str
    as_of: float
    since: float
    expires_at: float
    released: bool = False

    @property
    def who(self) -> str:
        return f"{self.owner} ({self.run_url})" if self.run_url else self.owner

    @classmethod
    def new(cls, owner: str, run_url: str, version: str, as_of: float, now: float) -> Claim:
        """A claim of its own; `as_of` in whole seconds, as the bucket keeps it."""
        return cls(uuid4().hex, owner, run_url, version, float(int(as_of)), now, now)

    def stands(self, now: float) -> bool:
        return not self.released and now < self.expires_at

    def to_json(self) -> bytes:
        return document.write(
            {
                "schema": document.SCHEMA,
                "id": self.id,
                "owner": self.owner,
                "run_url": self.run_url,
                "version": self.version,
                "as_of": utc(self.as_of),
                "since": utc(self.since),
                "expires_at": utc(self.expires_at),
                "released": self.released,
            }
        )

    @classmethod
    def from_json(cls, body: bytes, place: str) -> Claim:
        """Raises DeployError."""
        fields = document.read(body, place)
        claim = cls(
            id=fields.text("id"),
            owner=fields.text("owner"),
            run_url=fields.text("run_url"),
            version=fields.text("version"),
            as_of=seconds_of(fields.text("as_of"), f"`as_of` of {place}"),
            since=seconds_of(fields.text("since"), f"`since` of {place}"),
            expires_at=seconds_of(fields.text("expires_at"), f"`expires_at` of {place}"),
            released=fields.switch("released"),
        )
        fields.end()
        return claim


@dataclass(frozen=True)
class Seen:
    """The place as it was read; None where nobody ever waited."""

    stored: Stored | None
    claim: Claim | None


class Place:
    """The one place in front of the lease of `group`, as one run sees it; entered, it is left in every case.

    `say` is told in one sentence whom the run waits for, and whose place it takes.
    """

    def __init__(
        self, store: Store, app: str, group: str, clock: Clock, claim: Claim, say: Callable[[str], None]
    ) -> None:
        self.group, self.claim, self.say = group, claim, say
        self._store, self._key, self._clock = store, keys.waiting(app, group), clock
        self._claimed = False

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def check(self) -> Seen:
        """Who has the place; raises LeaseHeld where a newer wish took it from us, or had it before we came."""
        seen = self._look()
        mine, found, now = self.claim, seen.claim, self._clock.now()
        if found is None or found.id == mine.id:
            return seen
        newer = found.as_of > mine.as_of
        replaced = found.as_of >= mine.as_of if self._claimed else newer and found.since >= mine.since
        if replaced:
            raise _superseded(self.group, mine, found, now)
        if newer and found.stands(now):
            raise _behind(self.group, mine, found)
        return seen

    def keep(self, seen: Seen) -> None:
        """Claims the place as it was seen, or renews our claim when it is time to.

        Where somebody was quicker nothing is done: the next look tells who.
        """
        now, found = self._clock.now(), seen.claim
        ours = found is not None and found.id == self.claim.id
        if ours and now < self.claim.expires_at - LIFETIME + RENEW_AFTER:
            return
        self.claim = replace(self.claim, expires_at=now + LIFETIME)
        if not self._write(seen, self.claim):
            return
        self._claimed = True
        if found is not None and not ours and found.stands(now):
            self.say(f"taking the place of {found.who}, which waited with {found.version}")

    def taken(self) -> None:
        """We hold the lease: our claim is done with, and so is whatever is there that is not newer."""
        patiently(self._clock, self._clear)
        self._claimed = False

    def _clear(self) -> None:
        mine, written = self.claim, False
        while not written:
            seen = self._look()
            found = seen.claim
            if found is None or found.released or (found.id != mine.id and found.as_of > mine.as_of):
                break
            written = self._write(seen, replace(mine, released=True))

    def leave(self) -> None:
        """Gives our claim up if it stands; one that cannot be given up ends by itself."""
        if not self._claimed:
            return
        with suppress(Refused):
            seen = self._look()
            if seen.claim is not None and seen.claim.id == self.claim.id:
                self._write(seen, replace(self.claim, released=True))

    def _look(self) -> Seen:
        stored = self._store.get(self._key)
        return Seen(stored, Claim.from_json(stored.body, self._key)) if stored else Seen(None, None)

    def _write(self, seen: Seen, claim: Claim) -> bool:
        """False where somebody was quicker."""
        try:
            write(self._store, self._key, claim.to_json(), seen.stored.etag if seen.stored else None)
        except (AlreadyThere, Changed):
            return False
        return True


def acquire(place: Place, store: Store, key: str, clock: Clock, patience: float) -> Lease:
    """Takes the lease `key` under a generation one higher than the last.

    Waits up to `patience` seconds for the present holder; raises LeaseHeld where that is not enough, or where a newer
    wish comes first, and Interrupted.
    """
    until, told = clock.now() + patience, False
    while True:
        stored = patiently(clock, lambda: store.get(key))
        holder = Holder.from_json(stored.body, key) if stored else None
        if holder is None or not holder.holds(clock.now()):
            patiently(clock, place.check)
            lease = take(store, key, clock, place.claim.owner, place.claim.run_url, stored, holder)
            if lease:
                return lease
            continue
        if number := clock.stop_requested():
            raise Interrupted(number, f"stopped while waiting for {holder.owner}", "nothing was changed")
        if clock.now() >= until:
            raise held(place.group, holder)
        patiently(clock, lambda: place.keep(place.check()))
        if not told:
            place.say(f"waiting for the rollout of {holder.owner} {holder.run_url}".rstrip())
            told = True
        clock.wait(min(ASK_EVERY, until - clock.now()))


def _superseded(group: str, mine: Claim, found: Claim, now: float) -> LeaseHeld:
    came = "waits" if found.stands(now) else "came"
    return LeaseHeld(
        f"superseded by {found.who}, which {came} for {group} with {found.version} in its place; nothing was changed",
        f"look at that run; `rollback` with version {mine.version} brings this release all the same",
    )


def _behind(group: str, mine: Claim, found: Claim) -> LeaseHeld:
    return LeaseHeld(
        f"{found.who} waits for {group} with {found.version}, which is newer than {mine.version}; nothing was changed",
        f"let it through; `rollback` with version {mine.version} brings this release all the same",
    )
