"""Clouds for the tests: real HTTP, real scripts, instances as processes.

There can be one cloud per process, so a cloud lives as long as a test module, and a module takes one of `cloud`,
`delivery` and `start_cloud`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.authorised import DIRECTORY
from localcloud.cloud import Cloud
from localcloud.options import CloudOptions
from tests.cloud.delivery import Delivery, delivering
from tests.cloud.identities import Identities, identities_in
from tests.cloud.moto import moto_server

QUICK = "#!/bin/sh\nexit 0\n"
"""User data of an instance that boots nothing."""

StartCloud = Callable[..., Cloud]


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """Where S3, Parameter Store and ECR answer, for tests that need no instances."""
    with moto_server() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A running cloud: two instances that booted nothing, a target group in front; shared by the module."""
    state = tmp_path_factory.mktemp("cloud")
    options = CloudOptions(state, instances=2, runtime="process", target_group=True, user_data=QUICK, launch_hook=False)
    with Cloud(options) as running:
        yield running


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    """A group of three behind a load balancer, for a module that names none of its own."""
    with delivering(tmp_path_factory, instances=3) as delivery:
        yield delivery


@pytest.fixture
def on_v1(delivery: Delivery) -> Delivery:
    """The module's `delivery`, all its instances there and on v1, and v1 desired."""
    delivery.fill()
    if delivery.desired() != "v1" or delivery.answers() != {"v1"}:
        delivery.bring_to("v1")
    return delivery


@pytest.fixture
def at_rest(delivery: Delivery) -> Delivery:
    """The module's `delivery`, all its instances there and on the release desired, whichever that is."""
    delivery.fill()
    if not delivery.desired() or delivery.answers() != {delivery.desired()}:
        delivery.bring_to(delivery.fresh())
    return delivery


@pytest.fixture
def identities(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Identities]:
    """Jobs that ask for roles; what the commands of a test show must give no token away.

    The process gets the jobs' environment too, as boto3 reads it there; retries happen, but at once.
    """
    ambient = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    for name in (*ambient, DIRECTORY):  # this account's roles are not those of infra/
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("urllib3.util.retry.Retry.get_backoff_time", lambda _: 0.0)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    monkeypatch.setattr("deployer.aws.sts.PAUSES", (0.0, 0.0))
    with identities_in(tmp_path) as corner:
        for name, value in corner.job.items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)
        yield corner
    corner.nothing_was_given_away()


@pytest.fixture
def start_cloud(tmp_path: Path) -> Iterator[StartCloud]:
    """Starts a cloud with options of its own, for tests that change it; it is taken down after the test."""
    started: list[Cloud] = []

    def start(**wanted: Any) -> Cloud:
        defaults = {"instances": 1, "runtime": "process", "user_data": QUICK, "launch_hook": False}
        one = Cloud(CloudOptions(tmp_path / "cloud", **{**defaults, **wanted}))
        started.append(one)
        return one.start()

    yield start
    for each in started:
        each.close()
