"""Granted and used: what the roles of infra/identity.yml allow, against what the local clouds of a test run were asked.

`python -m tests.permissions DIRECTORY` reads what the clouds wrote (localcloud.authorised).
"""

import sys
from pathlib import Path

SCRIPTS = str(Path(__file__).parents[2] / "scripts")
if SCRIPTS not in sys.path:  # for `python -m tests.permissions`
    sys.path.append(SCRIPTS)
