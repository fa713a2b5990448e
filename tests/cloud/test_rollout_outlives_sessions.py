"""A rollout is longer than the credentials it began with: it gets new ones, each for a new token, and nobody notices.

STS gives sessions of 15 minutes (the shortest there are), and the local cloud lets each live for a few seconds: what a
rollout of an hour sees is seen within seconds.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from moto.sts.models import sts_backends

from localcloud.aws.account import ACCOUNT
from localcloud.aws.calls import service_of
from localcloud.cloud import Cloud
from localcloud.options import CloudOptions
from tests.cloud.delivery import Delivery

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ASKED = 900
LIVED = 4
"""Seconds a session was asked for, and lives: one of ours is almost four minutes."""


class Keys:
    """A WSGI application that notes when each access key signed a call to the one behind it."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self.used: dict[str, list[datetime]] = defaultdict(list)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        key = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split("/")[0]
        if key and service_of(environ) != "sts":
            self.used[key].append(datetime.now(timezone.utc))
        return self._application(environ, start_response)

    def of_role(self, role: str) -> dict[str, tuple[datetime, datetime]]:
        """Of each session of a role: when it was last used, and when it ended."""
        sessions = [each for each in sts_backends[ACCOUNT]["aws"].assumed_roles if each.role_arn == role]
        ends = {each.access_key_id: each.expiration.replace(tzinfo=timezone.utc) for each in sessions}
        return {key: (max(times), ends[key]) for key, times in list(self.used.items()) if key in ends}


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[Delivery]:
    options = CloudOptions(tmp_path / "cloud", instances=2, runtime="process", target_group=True, session_seconds=LIVED)
    with Cloud(options) as cloud:
        yield Delivery(cloud, tmp_path / "application")


@pytest.fixture
def as_job(delivery: Delivery) -> dict[str, str]:
    """A job: no keys, a role, and a run of its own."""
    return {
        "INPUT_ROLE_TO_ASSUME": delivery.cloud.environment["ROLE_TO_ASSUME"],
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "awesomeorange/orange",
        "GITHUB_RUN_ID": "77",
        "GITHUB_RUN_ATTEMPT": "2",
    }


def test_a_rollout_outlives_many_sessions(delivery: Delivery, as_job: dict[str, str]) -> None:
    delivery.bring_to("v1")
    delivery.publish("v2")
    cloud, role = delivery.cloud, as_job["INPUT_ROLE_TO_ASSUME"]
    minted = cloud.github.issuer.minted
    keys = Keys(cloud.server.calls._application)
    cloud.server.calls._application = keys
    words = ["--version", "v2", "--github-deployment", "false", "--role-duration-seconds", str(ASKED)]
    done = delivery.run("rollout", *words, "--max-unavailable", "1", "--json", **as_job)
    assert done.returncode == 0, done.stderr
    assert delivery.answers() == {"v2"}

    sessions = keys.of_role(role)
    assert len(sessions) >= 4, "the rollout did not outlive its sessions"
    assert all(used < end for used, end in sessions.values()), "somebody used credentials that were over"
    assert cloud.github.issuer.minted - minted == len(sessions), "each session comes of a token of its own"

    told = json.loads(done.stdout)
    record = delivery.document(f"rollouts/{told['generation']:010d}.json")
    assert (record["from"], record["to"], record["result"], record["generation"]) == ("v1", "v2", "succeeded", 2)
    assert record["owner"] == "awesomeorange/orange run 77-2 ()"
    assert delivery.document("desired.json")["generation"] == 2
    lease = delivery.document("lease.json")
    assert (lease["generation"], lease["owner"], lease["released"]) == (2, record["owner"], True)
    assert delivery.suspended() == set()
    assert "::warning" not in done.stderr, done.stderr
