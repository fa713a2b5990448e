"""Whole rollouts under load: real engines behind the real load balancer, and not one request lost.

Each request takes a tenth of a second, and a container that is stopped takes those it has with it (see busybox_image).
So what is stopped too early is seen, as the rollout without draining shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localcloud.cloud import Cloud
from localcloud.engine import Engine
from localcloud.options import CloudOptions
from tests.cloud.delivery import Delivery
from tests.e2e.busybox_image import push_image
from tests.e2e.load import Heard, load_on
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(300)
DONE, ROLLED_BACK = 0, 3

RollOut = Callable[..., Heard]


@pytest.fixture(scope="module")
def delivery(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    """A group of three behind a load balancer, on v1."""
    del engine

    def push(registry: str, version: str, healthy: bool) -> str:
        directory = tmp_path_factory.mktemp("image") / version
        return push_image(registry, f"web:{version}", f"orange {version}\n" if healthy else "", directory)

    options = CloudOptions(tmp_path_factory.mktemp("cloud"), instances=3, runtime="docker", target_group=True)
    with Cloud(options) as cloud:
        delivery = Delivery(cloud, tmp_path_factory.mktemp("application"), push)
        delivery.bring_to("v1")
        yield delivery


@pytest.fixture
def roll_out(delivery: Delivery, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> RollOut:
    """Rolls a version out under load and says what came of the load."""

    def roll_out(version: str, *policy: str, healthy: bool = True) -> Heard:
        delivery.publish(version, healthy)
        with load_on(f"{delivery.cloud.environment['LOAD_BALANCER_URL']}/cgi-bin/slow", tmp_path) as heard:
            done = delivery.run("rollout", "--version", version, *policy)
        assert done.returncode == (DONE if healthy else ROLLED_BACK), done.stderr
        with capsys.disabled():
            print(f"\n{len(delivery.in_service())} instances, {' '.join(policy)}: {heard}")  # noqa: T201
        return heard

    return roll_out


def test_three_instances_one_at_a_time(roll_out: RollOut) -> None:
    heard = roll_out("v2", "--max-unavailable", "1")

    assert heard.errors == {}
    assert set(heard.answers) == {"orange v1", "orange v2"}


def test_a_release_that_is_never_healthy_and_the_way_back(roll_out: RollOut) -> None:
    heard = roll_out("broken", "--max-unavailable", "1", healthy=False)

    assert heard.errors == {}
    assert set(heard.answers) == {"orange v2"}


def test_without_draining_requests_are_lost(roll_out: RollOut) -> None:
    heard = roll_out("v3", "--max-unavailable", "1", "--drain", "never")

    assert heard.failed > 0


def test_six_instances_two_at_a_time(roll_out: RollOut, delivery: Delivery) -> None:
    delivery.scale(6)
    eventually("six instances serve", lambda: len(delivery.registered()) == 6, patience=120)

    heard = roll_out("v4", "--max-unavailable", "2")

    assert heard.errors == {}
    assert set(heard.answers) == {"orange v3", "orange v4"}
