from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployer.core.marker import Marker
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
def first_activation(surroundings: Surroundings) -> Iterator[tuple[Instance, Marker]]:
    """An instance on which v1 was activated, its first release, and what was said of it."""
    with surroundings.instance() as instance:
        yield instance, instance.run("activate", instance.publish("v1"), 1)


@pytest.fixture(scope="session")
def serving(first_activation: tuple[Instance, Marker]) -> Instance:
    """One instance on which v1 runs, for tests that leave it so."""
    instance, marker = first_activation
    assert marker.outcome == "activated"
    return instance
