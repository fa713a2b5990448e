"""A fleet on a virtual clock, in which the production rollout runs; only what lies behind its ports is simulated."""

import sys
from pathlib import Path

SCRIPTS = str(Path(__file__).parents[2] / "scripts")
if SCRIPTS not in sys.path:  # for `python -m tests.simulation`; last, so that a mutant's own copy comes first
    sys.path.append(SCRIPTS)
