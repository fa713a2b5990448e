"""What the groups of an application need which release for, as their state in the bucket says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deployer.core import keys
from deployer.core.release import Desired
from deployer.core.store import Store
from deployer.rollout.lease import Holder
from deployer.rollout.record import last_record
from deployer.rollout.waiting import Claim

Uses = dict[str, list[str]]
"""From a version to what it is needed for: `desired by orange-web`."""


def uses_of(store: Store, app: str, groups: Sequence[str], now: float) -> Uses:
    """Every version a group could still want; raises DeployError for a state that cannot be read."""
    found: Uses = {}
    for group in groups:
        for version, what in (*_of_desired(store, app, group), *_of_rollout(store, app, group, now)):
            found.setdefault(version, []).append(f"{what} {group}")
    return found


def holder_of(store: Store, app: str, group: str, now: float) -> Holder | None:
    """Who is rolling out to the group, if anybody is."""
    key = keys.lease(app, group)
    stored = store.get(key)
    holder = Holder.from_json(stored.body, key) if stored else None
    return holder if holder and holder.holds(now) else None


def _of_desired(store: Store, app: str, group: str) -> Iterator[tuple[str, str]]:
    key = keys.desired(app, group)
    stored = store.get(key)
    if stored is None:
        return
    desired = Desired.from_json(stored.body, key)
    if desired.version:
        yield desired.version, "desired by"
    if desired.previous:
        yield desired.previous.version, "previous of"


def _of_rollout(store: Store, app: str, group: str, now: float) -> Iterator[tuple[str, str]]:
    """The next run of a rollout that did not end well finishes it or goes back."""
    last = last_record(store, app, group)
    if last and last.crashed:
        yield last.target, "being rolled out to"
        if last.way_back:
            yield last.way_back.version, "the way back of"
    key = keys.waiting(app, group)
    stored = store.get(key)
    claim = Claim.from_json(stored.body, key) if stored else None
    if claim and claim.stands(now):
        yield claim.version, "waiting for"
