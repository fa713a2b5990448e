"""Mistakes one could make in the engine, each a change in one place, and proof that the simulator sees every one.

python -m tests.simulation.mutants [NAME…]: plays seeds against each until one is caught, and prints the table.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.mutant_table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
MOST_SEEDS = 2000
BY_ITSELF = 0
"""The number under which it counts that the engine stopped itself before a wrong step, or fell over."""


@dataclass(frozen=True)
class Hunt:
    """What came of playing seeds against a mutant; `seed` and `invariant` are None where nothing was seen."""

    mutant: Mutant
    seed: int | None
    invariant: int | None
    what: str
    seconds: float

    @property
    def caught(self) -> bool:
        return self.seed is not None


def mutated(mutant: Mutant) -> str:
    """The text of the mutant's file with its change; raises ValueError unless there is exactly one place for it."""
    text = (ROOT / "scripts" / "deployer" / mutant.file).read_text()
    if (found := text.count(mutant.before)) != 1:
        raise ValueError(f"{mutant.name}: its place is {found} times in {mutant.file}; write the mutant anew")
    return text.replace(mutant.before, mutant.after)


@contextmanager
def engine_with(mutant: Mutant) -> Iterator[Path]:
    """A directory for PYTHONPATH whose `deployer` has the mistake in it."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as directory:
        copy = Path(directory) / "deployer"
        shutil.copytree(ROOT / "scripts" / "deployer", copy, ignore=shutil.ignore_patterns("__pycache__"))
        (copy / mutant.file).write_text(mutated(mutant))
        yield Path(directory)


def hunt(mutant: Mutant) -> Hunt:
    """Plays a likely seed, then all from 0 on, in a process of its own until a violation is seen."""
    began = time.monotonic()
    with engine_with(mutant) as directory:
        environment = {**os.environ, "PYTHONPATH": f"{directory}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "tests.simulation.first_violation", str(MOST_SEEDS), str(mutant.look_first)]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{mutant.name}: the simulator fell over\n{done.stderr}")
    found = json.loads(done.stdout)
    return Hunt(mutant, found["seed"], found["invariant"], found["what"], time.monotonic() - began)


def hunt_all(mutants: Sequence[Mutant], jobs: int = 2) -> Iterable[Hunt]:
    """The hunts in the order of the mutants; `jobs` of them at a time."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(hunt, mutants)


def row(each: Hunt) -> str:
    """One line of the table."""
    if each.invariant is None:
        return f"{each.mutant.name:62} SURVIVED {MOST_SEEDS} seeds  {each.seconds:5.1f} s"
    by = "the engine itself" if each.invariant == BY_ITSELF else f"invariant {each.invariant}"
    return f"{each.mutant.name:62} {by:20} seed {each.seed:<5} {each.seconds:5.1f} s  {each.what[:90]}"


def main(names: Sequence[str]) -> int:
    chosen = [each for each in MUTANTS if not names or any(name in each.name for name in names)]
    survived = 0
    for each in hunt_all(chosen):
        sys.stdout.write(f"{row(each)}\n")
        sys.stdout.flush()
        survived += not each.caught
    sys.stdout.write(f"{len(chosen)} mutants, {survived} survived\n")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
