"""What every end-to-end test stands on: a real docker engine. None at hand is a failure, never a skip."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.engine import Engine, ensure_engine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    subprocess.run([ROOT / "localcloud" / "install"], check=True)
    engine = ensure_engine(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.close()
