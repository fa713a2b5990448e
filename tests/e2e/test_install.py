"""localcloud/install where nothing is missing, and where it may not install what is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

INSTALL = Path(__file__).parents[2] / "localcloud" / "install"

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(60)]


def as_a_normal_user(script: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    """Runs it as nobody (or as the caller, who is no root), with a sudo that refuses."""
    sudo = programs / "sudo"
    sudo.write_text("#!/bin/sh\nexit 1\n")
    sudo.chmod(0o755)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    path = f"{programs}:/usr/bin:/bin"
    text = script.read_text()
    return subprocess.run(
        [*nobody, "bash", "-s"], input=text, env={"PATH": path}, capture_output=True, text=True, check=False
    )


def test_nothing_missing_is_nothing_said() -> None:
    done = subprocess.run([INSTALL], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_normal_user_needs_no_root_where_nothing_is_missing(tmp_path: Path) -> None:
    done = as_a_normal_user(INSTALL, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_normal_user_is_told_exactly_what_is_missing(tmp_path: Path) -> None:
    text = INSTALL.read_text()
    lacking = tmp_path / "install"
    lacking.write_text(text.replace("haproxy:haproxy", "no-such-program:its-package"))
    done = as_a_normal_user(lacking, tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == "missing: its-package"
