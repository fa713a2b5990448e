"""Credentials renew themselves as early as their own lifetime tells, not as what was asked for would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from deployer.aws.renewal import Issued, renewed, windows
from deployer.core.errors import Refused


def issuing(*lifetimes: float) -> Callable[[], Issued]:
    """Credentials numbered from 1, each of the lifetime given (seconds from when it is issued)."""
    left = list(enumerate(lifetimes, start=1))

    def issue() -> Issued:
        number, lifetime = left.pop(0)
        return Issued(f"key-{number}", "secret", "token", datetime.now(timezone.utc) + timedelta(seconds=lifetime))

    return issue


@pytest.mark.parametrize(
    ("lifetime", "early", "late"),
    [(3600, 900, 600), (43_200, 900, 600), (900, 300, 150), (4, 4 / 3, 4 / 6)],
    ids=["an hour", "twelve", "the shortest", "scaled"],
)
def test_the_windows_follow_from_the_lifetime(lifetime: float, early: float, late: float) -> None:
    assert windows(lifetime) == (early, late)


def test_credentials_that_last_are_kept() -> None:
    credentials = renewed(issuing(900), "test")
    assert {credentials.get_frozen_credentials().access_key for _ in range(3)} == {"key-1"}


def test_successors_that_last_longer_or_shorter_have_windows_of_their_own() -> None:
    credentials = renewed(issuing(900, 6, 3600), "test")
    credentials._expiry_time = datetime.now(timezone.utc) + timedelta(seconds=100)
    assert {credentials.get_frozen_credentials().access_key for _ in range(3)} == {"key-2"}
    credentials._expiry_time = datetime.now(timezone.utc) + timedelta(seconds=1.5)
    assert {credentials.get_frozen_credentials().access_key for _ in range(3)} == {"key-3"}


def test_a_failure_with_time_left_is_left_to_the_next_call() -> None:
    def issue() -> Issued:
        if not attempts:
            attempts.append("first")
            return Issued("key-1", "secret", "token", datetime.now(timezone.utc) + timedelta(seconds=900))
        raise Refused("STS is away")

    attempts: list[str] = []
    credentials = renewed(issue, "test")
    credentials._expiry_time = datetime.now(timezone.utc) + timedelta(seconds=200)
    assert credentials.get_frozen_credentials().access_key == "key-1"
    credentials._expiry_time = datetime.now(timezone.utc) + timedelta(seconds=100)
    with pytest.raises(Refused, match="STS is away"):
        credentials.get_frozen_credentials()


def test_a_failure_with_time_left_is_not_repeated_at_every_call() -> None:
    def issue() -> Issued:
        attempts.append("one more")
        if len(attempts) > 1:
            raise Refused("GitHub takes its time to say no")
        return Issued("key-1", "secret", "token", datetime.now(timezone.utc) + timedelta(seconds=900))

    attempts: list[str] = []
    credentials = renewed(issue, "test")
    credentials._expiry_time = datetime.now(timezone.utc) + timedelta(seconds=200)
    assert {credentials.get_frozen_credentials().access_key for _ in range(9)} == {"key-1"}
    assert len(attempts) == 2


def test_credentials_that_are_over_when_they_come_blame_the_clock() -> None:
    with pytest.raises(Refused, match="ended 60 s ago by the clock of this machine"):
        renewed(issuing(-60), "test")
