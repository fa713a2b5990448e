"""Who comes to a group, over real HTTP: a newer wish that waits, a freeze, an only instance; and what plan says."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from localcloud.cloud import Cloud
from localcloud.options import CloudOptions
from tests.cloud.client import client_of
from tests.cloud.delivery import Delivery
from tests.waiting import eventually


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    """A group of two behind a load balancer, on v1; v2 and v3 are published, in this order."""
    options = CloudOptions(tmp_path_factory.mktemp("cloud"), instances=2, runtime="process", target_group=True)
    with Cloud(options) as cloud:
        delivery = Delivery(cloud, tmp_path_factory.mktemp("application"))
        delivery.bring_to("v1")
        delivery.publish("v2")
        delivery.publish("v3")
        yield delivery


def held_by_another(delivery: Delivery) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 300))
    lease = {**delivery.document("lease.json"), "owner": "another run", "released": False, "expires_at": at}
    delivery.write("lease.json", lease)


def let_go(delivery: Delivery) -> None:
    delivery.write("lease.json", {**delivery.document("lease.json"), "released": True})


def waits(delivery: Delivery, version: str) -> bool:
    """Whether a run with that version is the one that waits."""
    try:
        claim = delivery.document("waiting.json")
    except client_of(delivery.cloud, "s3").exceptions.NoSuchKey:
        return False
    return bool(claim["version"] == version and not claim["released"])


def test_a_newer_release_takes_the_place_of_the_one_that_waits_and_a_rollback_takes_its(crowd: Delivery) -> None:
    held_by_another(crowd)
    words = ("--wait-for-lease", "2m")
    with crowd.start("rollout", "--version", "v2", *words) as first:
        eventually("v2 waits", lambda: waits(crowd, "v2"), patience=30)
        with crowd.start("rollout", "--version", "v3", *words) as second:
            eventually("v3 waits", lambda: waits(crowd, "v3"), patience=30)
            said = first.communicate(timeout=30)[0]
            with crowd.start("rollback", "--version", "v1", *words) as third:
                eventually("v1 waits", lambda: waits(crowd, "v1"), patience=30)
                assert second.wait(30) == 5
                let_go(crowd)
                assert third.wait(120) == 0
    assert first.returncode == 5, said
    assert "which waits for orange-web with v3 in its place; nothing was changed" in said
    assert crowd.document("waiting.json")["released"]
    assert crowd.answers() == {"v1"}


def test_a_frozen_group_takes_no_release_and_lets_a_rollback_through(crowd: Delivery) -> None:
    tag = {"ResourceId": crowd.cloud.options.group, "ResourceType": "auto-scaling-group", "Key": "deploy-freeze"}
    autoscaling = client_of(crowd.cloud, "autoscaling")
    autoscaling.create_or_update_tags(Tags=[{**tag, "Value": "the season", "PropagateAtLaunch": False}])
    try:
        before = crowd.document("lease.json")
        for command in ("rollout", "plan"):
            refused = crowd.run(command, "--version", "v3")
            assert refused.returncode == 2, refused.stderr
            assert "is frozen, its tag deploy-freeze says: the season" in refused.stderr
            assert "aws autoscaling delete-tags --tags ResourceId=" in refused.stderr
        assert crowd.document("lease.json") == before
        back = crowd.run("rollback", "--version", "v1", "--canary", "0", "--max-unavailable", "2")
        assert back.returncode == 0, back.stderr
        assert "frozen" in back.stdout + back.stderr
    finally:
        autoscaling.delete_tags(Tags=[tag])
    assert crowd.run("plan", "--version", "v3").returncode == 10


def test_plan_tells_the_moves_of_a_rollout(crowd: Delivery) -> None:
    told = crowd.run("plan", "--version", "v3", "--bake", "1m")
    assert told.returncode == 10, told.stderr
    said = [line.strip() for line in told.stdout.splitlines()]
    first, second = sorted(crowd.in_service(), key=lambda each: told.stdout.index(each))
    change = "leave the load balancer, change, join it again"
    for line in (
        f"canary: {first}: {change}",
        f"window: {second}: {change}",
        "bake: watched for 60 s",
        "end: succeeded",
    ):
        assert line in said


def test_an_only_instance_is_taken_only_where_the_policy_says_so(crowd: Delivery) -> None:
    crowd.scale(1)
    eventually("one instance in service", lambda: len(crowd.in_service()) == 1, patience=60)
    refused = crowd.run("rollout", "--version", "v3")
    assert refused.returncode == 2, refused.stderr
    assert "has one instance in service" in refused.stderr
    done = crowd.run("rollout", "--version", "v3", "--max-unavailable", "1")
    assert done.returncode == 0, done.stderr
    assert "is the only instance in service: nobody serves" in done.stdout
    assert crowd.answers() == {"v3"}
