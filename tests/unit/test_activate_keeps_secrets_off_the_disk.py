"""bash keeps a here-string in a file where it is long, and before version 5.1 always: then that file is on tmpfs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deployer.instance_files import read

WHERE = """
mkdir -p "${private}"
long=$(printf '%0100000d' 0)
readlink /proc/self/fd/0 <<<"${long}"
env | grep TMPDIR || true
"""


def test_a_long_here_string_is_on_tmpfs(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "APP": "orange", "DEPLOYER_ROOT": str(tmp_path)}
    script = read("activate/head.sh") + WHERE

    said = subprocess.run(["bash", "-c", script], env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout

    assert said.startswith(f"{tmp_path}/run/deployer/orange/")
    assert "TMPDIR" not in said
