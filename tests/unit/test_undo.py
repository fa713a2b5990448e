"""What a rollback goes to where nobody named a version."""

from __future__ import annotations

import pytest

from deployer.core.errors import BadInput
from deployer.core.release import Desired, ReleaseRef
from deployer.rollout.record import Last, last_record
from deployer.rollout.undo import NothingToUndo, each_undone, undone
from tests.unit.fake_fleet import World, sha_of
from tests.unit.rolling import fleet_of, left_behind, roll, wish

GROUP = "orange-prod"
CRASHED = ("running", "interrupted", "could-not-restore")


def made_at(version: str) -> float | None:
    """v1 was published before v2, and v2 before v3; others are gone."""
    return {"v1": 1.0, "v2": 2.0, "v3": 3.0}.get(version)


def desired(version: str, previous: str = "") -> Desired:
    back = ReleaseRef(previous, sha_of(previous)) if previous else None
    return Desired(7, version, sha_of(version), back, "2026-11-27T10:00:00Z", "the test")


def back(now: Desired | None, target: str = "", result: str = "succeeded", rollback: bool | None = False) -> ReleaseRef:
    """`target`: of the last rollout."""
    last = Last(target, None, result, (), rollback) if target else None
    return undone(GROUP, now, last, made_at)


def test_a_rollout_that_ended_well_is_undone_by_what_ran_before() -> None:
    assert back(desired("v2", "v1"), "v2") == ReleaseRef("v1", sha_of("v1"))


@pytest.mark.parametrize("result", CRASHED)
def test_a_rollout_that_lies_half_done_is_taken_back_whether_it_was_promoted_or_not(result: str) -> None:
    assert back(desired("v1", "v0"), "v2", result).version == "v1"
    assert back(desired("v2", "v1"), "v2", result).version == "v1"


@pytest.mark.parametrize("result", CRASHED)
@pytest.mark.parametrize("now", [desired("v2", "v1"), desired("v1", "v2")], ids=["before", "promoted"])
def test_a_rollback_that_lies_half_done_is_finished_and_never_turned_round(now: Desired, result: str) -> None:
    assert back(now, "v1", result, rollback=True) == ReleaseRef("v1", sha_of("v1"))


def test_a_rollback_further_back_that_lies_half_done_is_finished_too() -> None:
    assert back(desired("v3", "v2"), "v1", "running", rollback=True) == ReleaseRef("v1", "")


def test_a_record_that_does_not_say_which_way_it_went_is_not_guessed_at() -> None:
    with pytest.raises(BadInput, match="half-way between v2 and v1") as refused:
        back(desired("v2", "v1"), "v1", "interrupted", rollback=None)
    assert refused.value.fix.endswith("with `version`: v2 or v1")
    assert back(desired("v2", "v1"), "v3", "interrupted", rollback=None).version == "v2"


@pytest.mark.parametrize("rollback", [True, False, None])
def test_a_second_rollback_does_not_bring_the_bad_release_back(rollback: bool | None) -> None:
    with pytest.raises(NothingToUndo, match="v1 is what orange-prod was brought back to from v2") as refused:
        back(desired("v1", "v2"), "v1", rollback=rollback)
    assert "name it with `version`" in refused.value.fix


@pytest.mark.parametrize("result", ["rolled-back", "failed"])
def test_a_release_that_failed_is_undone_already_and_the_healthy_one_stays(result: str) -> None:
    with pytest.raises(NothingToUndo, match="v2 failed, and orange-prod runs v1, desired since 2026") as refused:
        back(desired("v1", "v0"), "v2", result)
    assert "v0 ran before it" in refused.value.fix


def put_back(group: str) -> ReleaseRef:
    """Of the groups a, b and c: b ended well, in a and c the new release failed, c was at its first one."""
    now = {"a": desired("v1", "v0"), "b": desired("v2", "v1"), "c": desired("v1")}[group]
    return undone(group, now, Last("v2", None, "succeeded" if group == "b" else "rolled-back", (), False), made_at)


def test_alone_a_group_goes_back_from_what_came_back_by_itself() -> None:
    said: list[str] = []
    assert each_undone(["a"], put_back, said.append) == {"a": ReleaseRef("v0", sha_of("v0"))}
    assert said == ["the last rollout of a was put back by itself: going back from there, to v0"]


def test_beside_one_with_something_to_undo_it_is_left_as_it_is() -> None:
    said: list[str] = []
    assert each_undone(["a", "b"], put_back, said.append) == {"b": ReleaseRef("v1", sha_of("v1"))}
    assert said == [
        "nothing to roll back: v2 failed, and a runs v1, desired since 2026-11-27T10:00:00Z: it is left as it is"
    ]


def test_nothing_is_brought_forward_again_though_others_could_go_back() -> None:
    def before(group: str) -> ReleaseRef:
        return put_back("a") if group == "a" else back(desired("v1", "v2"), "v1", rollback=True)

    with pytest.raises(NothingToUndo, match=r"v2 failed, and a runs v1.*; nothing to roll back: v1 is what") as refused:
        each_undone(["a", "x"], before, lambda _: None)
    assert "to that one again" in refused.value.fix


def test_a_first_release_that_is_back_has_nothing_before_it() -> None:
    with pytest.raises(NothingToUndo, match="v2 failed, and c runs v1"):
        each_undone(["c"], put_back, lambda _: None)


def test_a_release_that_runs_and_failed_when_rolled_out_again_is_still_what_is_undone() -> None:
    assert back(desired("v2", "v1"), "v2", "failed").version == "v1"


def test_a_rollback_that_came_back_to_where_it_began_may_be_tried_again() -> None:
    assert back(desired("v2", "v1"), "v1", "rolled-back", rollback=True).version == "v1"


def test_a_newer_release_brought_by_a_rollback_is_undone_like_any_other() -> None:
    assert back(desired("v3", "v1"), "v3", rollback=True).version == "v1"


def test_where_the_releases_age_is_not_known_what_ran_before_is_what_is_meant() -> None:
    assert back(desired("gone", "v1"), "gone").version == "v1"


@pytest.mark.parametrize("now", [None, desired("v1"), desired("")])
def test_without_a_release_before_there_is_nothing_to_go_back_to(now: Desired | None) -> None:
    with pytest.raises(BadInput, match="has no previous release"):
        back(now)


def test_a_record_says_whether_it_was_a_rollback_and_one_of_old_says_nothing() -> None:
    world = fleet_of(2)
    left_behind(world, "v2", "running")
    assert last_of(world).rollback is None
    for rollback in (True, False):
        roll(world, wish(rollback=rollback))
        assert last_of(world).rollback is rollback


def last_of(world: World) -> Last:
    last = last_record(world, "orange", world.name)
    assert last
    return last
