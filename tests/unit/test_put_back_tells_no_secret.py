"""What compose says of a new environment may hold its values, and is told when the proven one is back already."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deployer.instance_files import activate

# Without its last line `activate` only defines its functions; those that would need an engine say what the test says.
PUT_BACK = (
    activate().removesuffix('main "${1:-}"\n')
    + """
last_log_lines() { :; }
remember() { :; }
open_release() { :; }
get_ready() { :; }
start() { problem='the old one neither' && return 1; }
recall
VERSION=v1 state[version]=v1 environment="${private}/v1.env"
mkdir -p "${private}"
echo 'PORT="newer-secret"' >"${environment}"
echo 'PORT="older-secret"' >"${environment}.proven"
put_back 'v1 is not healthy: docker compose up failed: invalid hostPort: newer-secret, older-secret'
"""
)


def test_values_that_were_tried_are_hidden_as_well_as_those_that_are_back(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "APP": "orange", "DEPLOYER_ROOT": str(tmp_path)}

    done = subprocess.run(["bash", "-c", PUT_BACK], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stderr
    assert "invalid hostPort: ***, ***" in done.stdout
    assert "secret" not in done.stdout
