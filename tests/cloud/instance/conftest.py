from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.runtime.process_registry import ProcessRegistry
from tests.cloud.instance.instances import Instance, Surroundings


@pytest.fixture(scope="session")
def surroundings(aws_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """A bucket, the application's environment in Parameter Store, a registry and a runtime."""
    registry = ProcessRegistry()
    registry.start()
    surroundings = Surroundings(aws_endpoint, registry, tmp_path_factory.mktemp("instances"))
    yield surroundings
    surroundings.runtime.close()
    registry.stop()


@pytest.fixture
def instance(surroundings: Surroundings) -> Iterator[Instance]:
    """A new instance that has run nothing yet, in a group without a desired release."""
    with surroundings.instance() as instance:
        yield instance


@pytest.fixture(scope="session")
def serving(surroundings: Surroundings) -> Iterator[Instance]:
    """One instance on which v1 runs, for tests that leave it so."""
    with surroundings.instance() as instance:
        assert instance.run("activate", instance.publish("v1"), 1).outcome == "activated"
        yield instance
