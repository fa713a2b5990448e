"""python -m tests.simulation --seed N -v | --seeds A-B | --count N --jobs J: plays scenarios and says what broke."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.simulation.chance import scenario_of
from tests.simulation.play import play

CHUNK = 50
MOST_SHOWN = 40


@dataclass
class Tally:
    """What came of many seeds."""

    played: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    broken: dict[int, list[str]] = field(default_factory=dict)
    """By seed: its first violations, `invariant: what`."""

    def take(self, other: Tally) -> None:
        self.played += other.played
        self.happened.update(other.happened)
        self.broken.update(other.broken)


def play_seeds(seeds: Iterable[int]) -> Tally:
    """Plays them in this process."""
    tally = Tally()
    for seed in seeds:
        played = play(scenario_of(seed))
        tally.played += 1
        tally.happened.update(played.happened)
        if played.violations:
            tally.broken[seed] = [f"{each.invariant}: {each.what}" for each in played.violations[:3]]
    return tally


def play_range(first: int, end: int, jobs: int) -> Tally:
    """Plays the seeds from `first` up to `end`, not included, in some processes."""
    chunks = [range(start, min(start + CHUNK, end)) for start in range(first, end, CHUNK)]
    tally = Tally()
    if jobs == 1:
        for chunk in chunks:
            tally.take(play_seeds(chunk))
        return tally
    with ProcessPoolExecutor(jobs) as pool:
        for part in pool.map(play_seeds, chunks):
            tally.take(part)
    return tally


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")


def tell_one(seed: int, verbose: bool) -> int:
    story: list[str] | None = [] if verbose else None
    scenario = scenario_of(seed)
    played = play(scenario, story)
    if story is not None:
        say("\n".join([str(scenario), *story]))
    for each in played.violations:
        say(f"seed {seed}: violation of {each.invariant}: {each.what}")
    say(f"seed {seed}: {', '.join(each.result for each in played.endings)}")
    return 1 if played.violations else 0


def tell_many(first: int, end: int, jobs: int) -> int:
    began = time.monotonic()
    tally = play_range(first, end, jobs)
    seconds = time.monotonic() - began
    for seed, lines in sorted(tally.broken.items())[:MOST_SHOWN]:
        say(f"seed {seed}: {lines[0][:220]}")
    kinds = Counter(lines[0].partition(":")[0] for lines in tally.broken.values())
    say(f"happened: {', '.join(f'{count} {what}' for what, count in sorted(tally.happened.items()))}")
    if kinds:
        say(f"first violations by invariant: {dict(sorted(kinds.items()))}")
    say(f"{tally.played} scenarios in {seconds:.1f} s, {len(tally.broken)} with violations")
    return 1 if tally.broken else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play one scenario")
    parser.add_argument("-v", action="store_true", dest="verbose", help="with --seed: print its timeline")
    parser.add_argument("--seeds", help="play the seeds A-B, both included")
    parser.add_argument("--count", type=int, default=1000, help="play the seeds from 0 on, so many")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    given = parser.parse_args()
    if given.seed is not None:
        return tell_one(given.seed, given.verbose)
    if given.seeds:
        first, _, last = given.seeds.partition("-")
        return tell_many(int(first), int(last or first) + 1, given.jobs)
    return tell_many(0, given.count, given.jobs)


if __name__ == "__main__":
    sys.exit(main())
