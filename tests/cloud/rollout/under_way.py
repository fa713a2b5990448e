"""A rollout under way: its log read as it comes, and what somebody else would write into the bucket meanwhile."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.cloud.delivery import Delivery

AT_ONCE = ("--canary", "0", "--max-unavailable", "3")
"""The policy of a rollout that takes a group of three at once."""


def until(process: subprocess.Popen[str], *texts: str) -> str:
    """The log so far, once it has said all the texts, one after the other."""
    assert process.stdout is not None
    said, wanted = "", list(texts)
    for line in process.stdout:
        said += line
        if wanted[0] in line:
            wanted.pop(0)
        if not wanted:
            return said
    pytest.fail(f"the rollout ended without saying {wanted[0]!r}:\n{said}")


def rest(process: subprocess.Popen[str], patience: float = 60) -> str:
    """What else it says until it ends."""
    assert process.stdout is not None
    said = process.stdout.read()
    process.wait(patience)
    return said


def instance_in(said: str) -> str:
    """The instance the last line of a log is about."""
    return next(word for word in said.splitlines()[-1].split() if word.startswith("i-"))


def seconds_from_now(seconds: float) -> str:
    """An instant as the documents write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def expire_lease(delivery: Delivery) -> int:
    """Nobody has renewed the lease for too long; returns its generation."""
    lease = delivery.document("lease.json")
    delivery.write("lease.json", {**lease, "expires_at": seconds_from_now(-1)})
    return int(lease["generation"])


def check_all_run(delivery: Delivery, version: str) -> None:
    """One release on every instance, each in the load balancer, nothing suspended, and the lease free."""
    assert delivery.answers() == {version}
    assert delivery.suspended() == set()
    assert set(delivery.in_service()) <= delivery.registered()
    assert delivery.document("lease.json")["released"]
