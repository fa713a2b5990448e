"""What `rollback` goes to where no version is named: it undoes the last rollout of a group, and that once.

See docs/decisions/0028-what-back-means.md.
"""

from __future__ import annotations

from collections.abc import Callable

from deployer.core.actions import Result
from deployer.core.errors import BadInput
from deployer.core.release import Desired, ReleaseRef
from deployer.rollout.record import Last

MadeAt = Callable[[str], "float | None"]
"""When a release was published (epoch seconds); None where it is not there any more."""


class NothingToUndo(BadInput):
    """The last rollout of this group is undone already; that of another group may not be."""


def undone(group: str, desired: Desired | None, last: Last | None, made_at: MadeAt) -> ReleaseRef:
    """The release the group runs once its last rollout is undone.

    Raises NothingToUndo where it is, BadInput where nothing ran before or nobody can know what is meant.
    """
    if desired and desired.version and last:
        if last.crashed and (half_done := _half_done(group, desired, last)):
            return half_done
        _check_it_stayed(group, desired, last)
    if desired is None or desired.previous is None:
        raise BadInput(
            f"{group} has no previous release to go back to",
            "name one with `version`; `history` lists what was rolled out",
        )
    _check_goes_back(group, desired.version, desired.previous.version, made_at)
    return desired.previous


def _half_done(group: str, desired: Desired, last: Last) -> ReleaseRef | None:
    """A rollback that lies half-done is finished, another rollout taken back; None where that one was promoted."""
    if last.rollback:
        known = (desired.release, desired.previous)
        return next((each for each in known if each and each.version == last.target), ReleaseRef(last.target, ""))
    if last.target == desired.version:
        return None
    if last.rollback is None and desired.previous and last.target == desired.previous.version:
        raise BadInput(
            f"{group} lies half-way between {desired.version} and {last.target}, and its last record does not say"
            " whether that was a rollback",
            f"name the one it is to run with `version`: {desired.version} or {last.target}",
        )
    return desired.release


def _check_it_stayed(group: str, desired: Desired, last: Last) -> None:
    """What failed is off the group already: to go back from what came back is another wish than the one to undo it."""
    over = last.result in (Result.ROLLED_BACK.value, Result.FAILED.value)
    if over and not last.rollback and last.target != desired.version:
        before = f": {desired.previous.version} ran before it" if desired.previous else ""
        raise NothingToUndo(
            f"nothing to roll back: {last.target} failed, and {group} runs {desired.version}, desired since"
            f" {desired.updated_at}",
            f"to go back from {desired.version} as well, name a version{before}; `history` lists them",
        )


def _check_goes_back(group: str, now: str, before: str, made_at: MadeAt) -> None:
    """After a rollback what ran before is the newer release, the one that somebody wanted to get rid of."""
    now_at, before_at = made_at(now), made_at(before)
    if now_at is not None and before_at is not None and before_at > now_at:
        raise NothingToUndo(
            f"nothing to roll back: {now} is what {group} was brought back to from {before}, which is newer",
            "to go further back, or to that one again, name it with `version`; `history` lists what ran",
        )
