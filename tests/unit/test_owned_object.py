"""An object that only we write: lost answers, our own traces, and somebody else's."""

from __future__ import annotations

import pytest

from deployer.core.errors import Refused, Unanswered
from deployer.core.store import AlreadyThere, Changed, Owned
from tests.unit.fake_fleet import World

KEY = "lease.json"


class Forgetful(World):
    """Writes what it is given; `loses` says how often the answer gets lost."""

    loses = 0

    def _put(self, key: str, body: bytes) -> str:
        etag = super()._put(key, body)
        if self.loses:
            self.loses -= 1
            raise Unanswered("no answer")
        return etag


def test_what_was_written_although_nobody_said_so_is_ours() -> None:
    world = Forgetful()
    owned = Owned(world, KEY, None)
    world.loses = 1
    with pytest.raises(Unanswered):
        owned.write(b"one")
    assert owned.may_be_there
    owned.write(b"two")
    world.loses = 2
    for body in (b"three", b"four"):
        with pytest.raises(Unanswered):
            owned.write(body)
    owned.write(b"five")
    assert world.objects[KEY].body == b"five"


def test_the_same_bytes_may_be_written_again() -> None:
    world = Forgetful()
    owned = Owned(world, KEY, None)
    world.loses = 1
    with pytest.raises(Unanswered):
        owned.write(b"one")
    assert owned.write(b"one") == world.objects[KEY].etag


def test_what_somebody_else_wrote_is_not_ours() -> None:
    world = Forgetful()
    owned = Owned(world, KEY, None)
    owned.write(b"one")
    world.replace(KEY, b"theirs", world.objects[KEY].etag)
    with pytest.raises(Changed):
        owned.write(b"two")
    with pytest.raises(AlreadyThere):
        Owned(world, KEY, None).write(b"three")
    assert world.objects[KEY].body == b"theirs"


def test_what_was_taken_over_after_a_lost_answer_is_theirs() -> None:
    world = Forgetful()
    owned = Owned(world, KEY, None)
    owned.write(b"one")
    world.loses = 1
    with pytest.raises(Unanswered):
        owned.write(b"two")
    world.replace(KEY, b"theirs", world.objects[KEY].etag)
    with pytest.raises(Changed):
        owned.write(b"three")


def test_what_was_never_tried_is_surely_not_there() -> None:
    assert not Owned(World(), KEY, None).may_be_there


class Meeting(World):
    """Refuses a number of writes although nothing was changed, as S3 does when two writes meet."""

    meets = 0

    def _put(self, key: str, body: bytes) -> str:
        if self.meets:
            self.meets -= 1
            raise Changed(key) if key in self.objects else AlreadyThere(key)
        return super()._put(key, body)


@pytest.mark.parametrize("meets", [1, 2])
def test_a_write_that_another_one_met_is_tried_again(meets: int) -> None:
    world = Meeting()
    owned = Owned(world, KEY, None)
    world.meets = meets
    owned.write(b"one")
    world.meets = meets
    owned.write(b"two")
    assert world.objects[KEY].body == b"two"


def test_a_write_that_is_met_each_time_is_refused_and_not_called_somebody_elses() -> None:
    world = Meeting()
    owned = Owned(world, KEY, None)
    world.meets = 10
    with pytest.raises(Refused, match="another write met it"):
        owned.write(b"one")
