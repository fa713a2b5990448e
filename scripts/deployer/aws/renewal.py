"""Credentials that get themselves successors before they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from deployer.core.errors import Refused

if TYPE_CHECKING:  # boto3 costs 0.2 s: it is imported where a session is opened
    from botocore.credentials import RefreshableCredentials


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

    A failure in the first window is left to the next call; in the second it is raised.
    """
    from botocore.credentials import RefreshableCredentials

    issued = _good(issue())
    credentials = RefreshableCredentials.create_from_metadata(
        _metadata(issued), refresh_using=lambda: again(), method=method
    )

    def again() -> dict[str, str]:
        successor = _good(issue())
        _set_windows(credentials, successor)
        return _metadata(successor)

    _set_windows(credentials, issued)
    return credentials


def _set_windows(credentials: RefreshableCredentials, issued: Issued) -> None:
    """botocore takes the windows only once, with the first credentials; their successors may last another time."""
    advisory, mandatory = windows(_seconds_left(issued))
    credentials._advisory_refresh_timeout = advisory
    credentials._mandatory_refresh_timeout = mandatory


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
