"""Two thousand rollouts in which anything may happen, and what makes them worth playing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.__main__ import Tally, play_range

SEEDS = 2000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tally() -> Tally:
    return play_range(0, SEEDS, jobs=2)


def test_no_invariant_is_violated(tally: Tally) -> None:
    assert tally.played == SEEDS
    assert not tally.broken, "\n".join(
        f"python -m tests.simulation --seed {seed} -v: {lines[0]}" for seed, lines in sorted(tally.broken.items())[:20]
    )


@pytest.mark.parametrize(
    "what",
    [
        "succeeded",
        "rolled-back",
        "failed",
        "could-not-restore",
        "interrupted",
        "lease-held",
        "crashed",
        "refused",
        "overtaken",
        "turned back",
        "newborns",
    ],
)
def test_everything_that_can_come_of_a_rollout_comes_of_many(tally: Tally, what: str) -> None:
    assert tally.happened[what] >= SEEDS / 100


@pytest.mark.parametrize("seed", [7, 38, 86])
def test_a_seed_is_the_same_story_in_every_process(seed: int) -> None:
    """Whatever the hashes of strings are: no set decides what happens next."""
    told = [_story(seed, hash_seed) for hash_seed in ("1", "2")]
    assert told[0] == told[1]
    assert len(told[0].splitlines()) > 20


def _story(seed: int, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "scripts"}
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "-v"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
