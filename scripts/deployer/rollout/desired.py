"""Moving the desired release of a group: what newborns boot."""

from __future__ import annotations

from deployer.core import keys
from deployer.core.errors import LeaseHeld
from deployer.core.plan import Target
from deployer.core.release import Desired, ReleaseRef
from deployer.core.store import AlreadyThere, Changed, Owned, Store
from deployer.rollout.lease import utc
from deployer.rollout.ports import Clock
from deployer.rollout.record import Last


class DesiredRelease:
    """`desired.json` of one group; `before` is what it said when the rollout began."""

    def __init__(self, store: Store, app: str, group: str, clock: Clock, owner: str) -> None:
        self._clock, self._owner = clock, owner
        self._key = keys.desired(app, group)
        stored = store.get(self._key)
        self._object = Owned(store, self._key, stored.etag if stored else None)
        self.before = Desired.from_json(stored.body, self._key) if stored else None

    def promote(self, target: Target) -> None:
        """The target is desired; what was desired before becomes `previous`."""
        before = self.before
        if before is None or not before.version:
            self._write(target, None)
        else:
            self._write(target, before.previous if before.version == target.version else before.release)

    def restore(self, target: Target) -> None:
        """The previous release is desired again, under a new generation; version "" boots nothing.

        Written even where nothing had been promoted: an instance nobody could reach comes back by its own next boot.
        A group that never had a desired release and was promoted nothing stays without one.
        """
        if self._object.may_be_there:
            before = self.before
            kept = before.previous if before and before.version == target.version else None
            self._write(target, kept)

    def _write(self, target: Target, previous: ReleaseRef | None) -> None:
        desired = Desired(
            generation=target.generation,
            version=target.version,
            manifest_sha256=target.manifest_sha256,
            previous=previous,
            updated_at=utc(self._clock.now()),
            updated_by=self._owner,
        )
        try:
            self._object.write(desired.to_json())
        except (AlreadyThere, Changed) as error:
            raise LeaseHeld(
                f"{self._key} was moved by somebody else while this rollout held the lease",
                "nothing was overwritten; look who moved it (`updated_by`) and run again",
            ) from error


def way_back(version: str, desired: Desired | None, last: Last | None) -> ReleaseRef | None:
    """What a rollout of `version` goes back to when it fails: what is desired now.

    Where an earlier rollout of `version` did not end well, it is what that one would have gone back to: it may have
    promoted `version` already. A release that is good and is rolled out once more is its own way back.
    """
    if desired is None or not desired.version:
        return None
    if last and last.crashed and last.target == version == desired.version:
        return last.way_back or desired.release
    return desired.release
