"""A rollout is longer than the credentials it began with: it gets new ones, each for a new token, and nobody notices.

STS gives sessions of 15 minutes (the shortest there are), and the local cloud lets each live for a few seconds and
refuses it from then on: what a rollout of an hour sees is seen within seconds. Each session is held to what its command
is for, so that a command which needs more than it says fails here.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from moto.sts.models import sts_backends

from localcloud.aws.account import ACCOUNT
from tests.cloud.client import client_of
from tests.cloud.delivery import Delivery, delivering
from tests.cloud.rollout.under_way import check_all_run, rest, until
from tests.waiting import eventually

ASKED = 900
LIVED = 9
"""Seconds a session was asked for, and lives: a second here stands for 100 of a real rollout."""
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
POLICY = ("--github-deployment", "false", "--role-duration-seconds", str(ASKED), "--max-unavailable", "1")


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    with delivering(tmp_path_factory, instances=2, session_seconds=LIVED) as delivery:
        yield delivery


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


def sessions_of(role: str) -> list[Any]:
    return [each for each in sts_backends[ACCOUNT]["aws"].assumed_roles if each.role_arn == role]


@dataclass(frozen=True)
class Count:
    """Tokens GitHub gave away, and sessions of the deployer role, so far."""

    tokens: int
    sessions: int

    @classmethod
    def now(cls, delivery: Delivery) -> Count:
        sessions = sessions_of(delivery.cloud.environment["ROLE_TO_ASSUME"])
        return cls(delivery.cloud.github.issuer.minted, len(sessions))

    def since(self, before: Count) -> Count:
        return Count(self.tokens - before.tokens, self.sessions - before.sessions)


def check_nothing_leaked(delivery: Delivery, *shown: str) -> None:
    """No token and no credential of a session in what a command showed, nor in anything it wrote into the bucket.

    A token is told to the runner once, so that it can mask it.
    """
    s3, bucket = client_of(delivery.cloud, "s3"), delivery.cloud.options.bucket
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    written = [s3.get_object(Bucket=bucket, Key=each)["Body"].read().decode() for each in keys]
    texts = [re.sub(r"^::add-mask::.*$", "", each, flags=re.MULTILINE) for each in shown] + written
    secrets = [
        secret
        for each in sessions_of(delivery.cloud.environment["ROLE_TO_ASSUME"])
        for secret in (each.secret_access_key, each.session_token, each.access_key_id)
    ]
    assert len(secrets) >= 3
    for text in texts:
        assert not JWT.search(text)
        assert not [each for each in secrets if each in text]


def test_a_rollout_outlives_many_sessions(on_v1: Delivery, as_job: dict[str, str]) -> None:
    on_v1.publish("v2")
    before, generation = Count.now(on_v1), on_v1.document("lease.json")["generation"]
    # The bake alone is as long as two sessions, however quick the machine is.
    done = on_v1.run("rollout", "--version", "v2", *POLICY, "--bake", f"{2 * LIVED}s", "--json", **as_job)
    assert done.returncode == 0, done.stderr

    used = Count.now(on_v1).since(before)
    assert used.sessions >= 3, "the rollout did not outlive its sessions"
    assert used.tokens == used.sessions, "each session comes of a token of its own"

    told = json.loads(done.stdout)
    assert told["generation"] == generation + 1
    record = on_v1.document(f"rollouts/{told['generation']:010d}.json")
    assert (record["from"], record["to"], record["result"]) == ("v1", "v2", "succeeded")
    assert record["owner"] == on_v1.document("lease.json")["owner"] == "awesomeorange/orange run 77-2 ()"
    assert on_v1.document("desired.json")["generation"] == generation + 1
    assert JWT.search(done.stderr), "the runner was told no token to mask"
    check_nothing_leaked(on_v1, done.stdout, done.stderr)
    check_all_run(on_v1, "v2")


def test_every_command_does_with_the_session_it_makes_for_itself(on_v1: Delivery, as_job: dict[str, str]) -> None:
    on_v1.publish("v3", variables=as_job)
    assert on_v1.run("plan", "--version", "v3", **as_job).returncode == 10
    for words in (
        ("rollout", "--version", "v3", "--github-deployment", "false", "--canary", "0", "--max-unavailable", "100%"),
        ("history",),
        ("rollback", "--github-deployment", "false", "--canary", "0", "--max-unavailable", "100%"),
    ):
        done = on_v1.run(*words, **as_job)
        assert done.returncode == 0, done.stderr
    assert json.loads(on_v1.run("status", "--json", **as_job).stdout)["status"] == "converged"
    assert on_v1.answers() == {"v1"}
    assert all(each.policy for each in sessions_of(as_job["INPUT_ROLE_TO_ASSUME"]))
    assert on_v1.run("rollout", "--version", "v404", **as_job).returncode == 2, "it lists what is published"


def test_a_rollout_turns_back_though_github_gives_no_tokens_for_a_while(
    on_v1: Delivery, as_job: dict[str, str]
) -> None:
    """Longer than a session lives: some calls are refused for want of credentials, and made again later."""
    on_v1.publish("broken", healthy=False)
    before, generation = Count.now(on_v1), on_v1.document("lease.json")["generation"]
    issuer = on_v1.cloud.github.issuer
    with on_v1.start("rollout", "--version", "broken", *POLICY, **as_job) as rollout:
        said = until(rollout, "::group::canary")
        known, issuer.request_token = issuer.request_token, "not the one the job has"
        since = time.monotonic()
        eventually("the session is over", lambda: time.monotonic() - since > LIVED + 2)
        issuer.request_token = known
        said += rest(rollout)
    assert rollout.returncode == 3, said
    assert "GitHub refused to mint an OIDC token (HTTP 401)" in said
    used = Count.now(on_v1).since(before)
    assert used.tokens == used.sessions >= 2, "one before nothing could be had, one after"
    assert on_v1.document("lease.json")["generation"] == generation + 2
    check_nothing_leaked(on_v1, said)
    assert on_v1.document("desired.json")["generation"] == generation + 2
    check_all_run(on_v1, "v1")
