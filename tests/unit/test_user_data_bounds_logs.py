"""An instance's containers cannot fill its disk with what they log, on whatever image it boots from."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from deployer.instance_files import read, user_data

ROOT = Path(__file__).parents[2]

# Without its last line user data only defines its functions.
BOUND_LOGS = user_data("orange", "releases", "fleet", "").rstrip().removesuffix("\nmain") + "\nbound_logs\n"

SYSTEMCTL = """\
#!/bin/sh
echo "$*" >>"$DEPLOYER_ROOT/asked"
! [ "$1" = "$REFUSED" ]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of an instance with systemd."""
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    (tmp_path / "systemctl").write_text(SYSTEMCTL)
    (tmp_path / "systemctl").chmod(0o755)
    return tmp_path


def bound_logs(root: Path, refused: str = "nothing") -> list[str]:
    """What systemd is asked for."""
    environment = {"PATH": f"{root}:{os.environ['PATH']}", "DEPLOYER_ROOT": str(root), "REFUSED": refused}
    subprocess.run(["bash", "-c", BOUND_LOGS], env=environment, check=True)
    asked = root / "asked"
    return asked.read_text().splitlines() if asked.exists() else []


def test_an_image_without_limits_gets_those_of_ours(root: Path) -> None:
    assert bound_logs(root) == ["try-restart docker.service"]

    ours = json.loads((root / "etc/docker/daemon.json").read_text())
    assert (ours["log-driver"], ours["log-opts"]) == ("json-file", {"max-size": "50m", "max-file": "5"})
    assert ours == json.loads((ROOT / "infra/base-image").read_text().split("JSON'\n")[1].split("\nJSON\n")[0])


def test_an_image_with_a_configuration_keeps_it(root: Path) -> None:
    (root / "etc/docker").mkdir(parents=True)
    (root / "etc/docker/daemon.json").write_text("{}")

    assert bound_logs(root) == []
    assert (root / "etc/docker/daemon.json").read_text() == "{}"


def test_an_engine_that_does_not_take_the_limits_runs_without(root: Path) -> None:
    assert bound_logs(root, refused="try-restart") == ["try-restart docker.service", "start docker.service"]

    assert not (root / "etc/docker/daemon.json").exists()


def test_the_limits_are_set_before_anything_is_started() -> None:
    story = re.findall(r"\b(bound_logs|boot)\b", read("user-data").rpartition("main() {")[2])
    assert story[:2] == ["bound_logs", "boot"]
