"""What every end-to-end test stands on: a real docker engine. None at hand is a failure, never a skip."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.engine import Engine, ensure_engine


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = ensure_engine(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.close()
