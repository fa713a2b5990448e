from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.runtime.process_registry import ProcessRegistry
from tests.cloud.instance.bench import Bench, Cloud


@pytest.fixture(scope="session")
def cloud(aws_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A bucket, the application's environment in Parameter Store, a registry and a runtime."""
    registry = ProcessRegistry()
    registry.start()
    cloud = Cloud(aws_endpoint, registry, tmp_path_factory.mktemp("cloud"))
    yield cloud
    cloud.runtime.close()
    registry.stop()


@pytest.fixture
def bench(cloud: Cloud) -> Iterator[Bench]:
    """A new instance that has run nothing yet, in a group without a desired release."""
    with cloud.instance() as bench:
        yield bench


@pytest.fixture(scope="session")
def serving(cloud: Cloud) -> Iterator[Bench]:
    """One instance on which v1 runs, for tests that leave it so."""
    with cloud.instance() as bench:
        assert bench.run("activate", bench.publish("v1"), 1).outcome == "activated"
        yield bench
