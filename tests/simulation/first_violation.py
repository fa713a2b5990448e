"""python -m tests.simulation.first_violation N SEED: the first seed of SEED, 0…N-1 with a violation, as JSON."""

from __future__ import annotations

import json
import sys

from tests.simulation.chance import scenario_of
from tests.simulation.play import play


def main(most: int, likely: int) -> None:
    found: dict[str, object] = {"seed": None, "invariant": None, "what": ""}
    for seed in (likely, *range(most)):
        violations = play(scenario_of(seed)).violations
        if violations:
            found = {"seed": seed, "invariant": violations[0].invariant, "what": violations[0].what}
            break
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
