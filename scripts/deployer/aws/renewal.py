"""Credentials that get themselves successors before they end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from deployer.core.errors import Refused

if TYPE_CHECKING:  # boto3 costs 0.2 s: it is imported where a session is opened
    from botocore.credentials import RefreshableCredentials


ATTEMPTS = 5
"""In the window where credentials are renewed if it works: whoever fails slowly must not slow every call down."""


@dataclass(frozen=True)
class Issued:
    """Credentials as STS gave them."""

    access_key: str
    secret_key: str
    token: str
    expires_at: datetime


def windows(lifetime: float) -> tuple[float, float]:
    """How many seconds before their end credentials are renewed: if it works, and at the latest.

    botocore's own 15 and 10 minutes would renew a session of 900 s at every single call. They follow from the time STS
    really gave, not from what was asked for.
    """
    return min(900.0, lifetime / 3), min(600.0, lifetime / 6)


def renewed(issue: Callable[[], Issued], method: str) -> RefreshableCredentials:
    """botocore's credentials out of `issue`, which is called again and again; what it raises comes through.

    A failure in the first window is left to a later call; in the second it is raised.
    """
    from botocore.credentials import RefreshableCredentials

    issued = _good(issue())
    renewal = _Renewal(issue)
    credentials = RefreshableCredentials.create_from_metadata(_metadata(issued), refresh_using=renewal, method=method)
    renewal.take_care_of(credentials, issued)
    return credentials


class _Renewal:
    """What botocore calls at every single use in the windows, and what is in fact done then."""

    def __init__(self, issue: Callable[[], Issued]) -> None:
        self._issue = issue
        self._credentials: RefreshableCredentials
        self._late = self._rest = 0.0
        self._failure: Exception | None = None
        self._failed_at = 0.0

    def take_care_of(self, credentials: RefreshableCredentials, issued: Issued) -> None:
        """botocore takes the windows only once, with the first credentials; their successors may last another time."""
        early, self._late = windows(_seconds_left(issued))
        self._rest = (early - self._late) / ATTEMPTS
        credentials._advisory_refresh_timeout = early
        credentials._mandatory_refresh_timeout = self._late
        self._credentials, self._failure = credentials, None

    def __call__(self) -> dict[str, str]:
        """The successor, or why there is none; asked for anew only after a while, as long as there is time left."""
        rests = time.monotonic() - self._failed_at < self._rest
        if self._failure and rests and not self._credentials.refresh_needed(self._late):
            raise self._failure
        try:
            successor = _good(self._issue())
        except Exception as failure:
            self._failure, self._failed_at = failure, time.monotonic()
            raise
        self.take_care_of(self._credentials, successor)
        return _metadata(successor)


def _good(issued: Issued) -> Issued:
    """Raises Refused for credentials that have ended already, by the clock they are judged with from here on."""
    if (left := _seconds_left(issued)) <= 0:
        raise Refused(
            f"the credentials STS has just given ended {-left:.0f} s ago by the clock of this machine",
            "set the runner's clock (NTP): AWS refuses requests that are minutes off as well",
        )
    return issued


def _seconds_left(issued: Issued) -> float:
    return (issued.expires_at - datetime.now(timezone.utc)).total_seconds()


def _metadata(issued: Issued) -> dict[str, str]:
    """In the words of botocore's refreshable credentials."""
    return {
        "access_key": issued.access_key,
        "secret_key": issued.secret_key,
        "token": issued.token,
        "expiry_time": issued.expires_at.isoformat(),
    }
