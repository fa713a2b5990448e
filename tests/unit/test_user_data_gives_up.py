"""A boot that hangs is given up, and the group is told: its heartbeats would keep the newborn waiting for hours."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deployer.instance_files import user_data

# Without its last line user data only defines its functions; those that touch a machine or AWS are replaced.
FUNCTIONS = user_data("orange", "releases", "fleet", "launch").rstrip().removesuffix("\nmain")
BOUNDS = "-k 10 30m"
REPLACED = """
install_loader() { mkdir -p "${root}/opt/deployer" && printf '%s\\n' "${BOOT}" >"${root}/opt/deployer/loader"; }
bound_logs() { :; }
ask_metadata() { echo "some $1"; }
lifecycle() { echo "$*" >>"${root}/told"; }
"""


def booted(root: Path, boot: str, bounds: str = BOUNDS) -> tuple[str, str]:
    """The console's last line, and what the group was told in the end."""
    assert FUNCTIONS.count(BOUNDS) == 1
    text = FUNCTIONS.replace(BOUNDS, bounds) + REPLACED + "main\n"
    environment = {"PATH": os.environ["PATH"], "DEPLOYER_ROOT": str(root), "BOOT": boot}
    done = subprocess.run(["bash", "-c", text], env=environment, check=True, capture_output=True, text=True, timeout=30)
    return done.stdout.splitlines()[-1], (root / "told").read_text().splitlines()[-1]


@pytest.mark.parametrize(
    "boot", ["sleep 60", "trap '' TERM; sleep 60 & wait; sleep 60"], ids=["hangs", "takes no hint, nor what it started"]
)
def test_a_boot_that_hangs_is_killed_and_abandoned(boot: str, tmp_path: Path) -> None:
    said, told = booted(tmp_path, boot, "-k 0.2 0.3")
    assert said == "lifecycle hook launch: ABANDON: the boot was killed: it has 30 minutes"
    assert told == "complete-lifecycle-action --lifecycle-action-result ABANDON"


def test_one_that_ends_is_judged_by_what_it_says(tmp_path: Path) -> None:
    marker = 'deployer: {"outcome":"unchanged","version":"","generation":0,"reason":"no desired release"}'
    said, told = booted(tmp_path, f"echo '{marker}'")
    assert said == "lifecycle hook launch: CONTINUE: no desired release"
    assert told == "complete-lifecycle-action --lifecycle-action-result CONTINUE"
