"""What `rollback` goes to where no version is named: it undoes the last rollout of a group.

See docs/decisions/0028-what-back-means.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deployer.core.actions import Result
from deployer.core.errors import BadInput
from deployer.core.release import Desired, ReleaseRef
from deployer.rollout.record import Last

MadeAt = Callable[[str], "float | None"]
"""When a release was published (epoch seconds); None where it is not there any more."""


class NothingToUndo(BadInput):
    """The last rollout of this group is undone already; that of another group may not be.

    `before` is what the release had replaced that came back by itself; None where one was brought back by hand.
    """

    def __init__(self, what: str, fix: str, before: ReleaseRef | None = None) -> None:
        super().__init__(what, fix)
        self.before = before


def each_undone(
    groups: Sequence[str], before: Callable[[str], ReleaseRef], say: Callable[[str], None]
) -> dict[str, ReleaseRef]:
    """What each group goes back to, by its name; `before` is `undone` for one of them.

    One with nothing to undo is left as it is where another has: so a run that stopped between two groups can be run
    again. Where none has, they go back from what came back by itself. Raises NothingToUndo where somebody brought it.
    """
    found: dict[str, ReleaseRef] = {}
    left: dict[str, NothingToUndo] = {}
    for name in groups:
        try:
            found[name] = before(name)
        except NothingToUndo as nothing:
            left[name] = nothing
    if found:
        for each in left.values():
            say(f"{each.what}: it is left as it is")
        return found
    if by_hand := [each for each in left.values() if not each.before]:
        raise NothingToUndo("; ".join(each.what for each in left.values()), by_hand[0].fix)
    further = {name: each.before for name, each in left.items() if each.before}
    for name, ref in further.items():
        say(f"the last rollout of {name} was put back by itself: going back from there, to {ref.version}")
    return further


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
    """What failed is off the group already: to go back from what came back is more than to undo it."""
    over = last.result in (Result.ROLLED_BACK.value, Result.FAILED.value)
    if over and not last.rollback and last.target != desired.version:
        before = f": {desired.previous.version} ran before it" if desired.previous else ""
        raise NothingToUndo(
            f"nothing to roll back: {last.target} failed, and {group} runs {desired.version}, desired since"
            f" {desired.updated_at}",
            f"to go back from {desired.version} as well, name a version{before}; `history` lists them",
            desired.previous,
        )


def _check_goes_back(group: str, now: str, before: str, made_at: MadeAt) -> None:
    """After a rollback what ran before is the newer release, the one that somebody wanted to get rid of."""
    now_at, before_at = made_at(now), made_at(before)
    if now_at is not None and before_at is not None and before_at > now_at:
        raise NothingToUndo(
            f"nothing to roll back: {now} is what {group} was brought back to from {before}, which is newer",
            "to go further back, or to that one again, name it with `version`; `history` lists what ran",
        )
