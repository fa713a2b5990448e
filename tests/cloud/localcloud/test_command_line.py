"""`python -m localcloud` from outside: up, what it prints, down, and what is left behind (nothing)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.state_directory import StateDirectory
from tests.waiting import eventually

REPOSITORY = Path(__file__).resolve().parents[3]
AWS = str(Path(sys.executable).parent / "aws")


class Commands:
    """The command line on a state directory of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        verb, *rest = words
        return subprocess.run(
            [sys.executable, "-m", "localcloud", verb, "--state-dir", str(self.state), *rest],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def processes(self) -> list[str]:
        """Command lines that speak of the state directory."""
        found = []
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = each.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.state) in words:
                found.append(words)
        return found


@pytest.fixture
def localcloud(tmp_path: Path) -> Iterator[Commands]:
    commands = Commands(tmp_path / "state")
    yield commands
    commands("down")


def test_up_prints_the_runtime_and_the_environment_and_down_leaves_nothing(
    localcloud: Commands, tmp_path: Path
) -> None:
    file = tmp_path / "cloud.env"
    up = localcloud("up", "--runtime", "process", "--instances", "2", "--env-file", str(file))
    assert (up.returncode, up.stderr) == (0, "")
    first, *lines = up.stdout.splitlines()
    assert first == "process runtime: as asked"
    assert file.read_text().splitlines() == lines
    assert file.stat().st_mode & 0o077 == 0
    names = {each.partition("=")[0] for each in lines}
    assert {"AWS_ENDPOINT_URL", "APP", "BUCKET", "GROUP", "REGISTRY", "INPUT_AUTO_SCALING_GROUP"} <= names

    again = localcloud("up", "--runtime", "process")
    assert again.returncode == 1
    assert "running already" in again.stderr

    status = localcloud("status")
    assert status.stdout.count("InService") == 2
    assert localcloud("scale", "--desired", "9").returncode == 1
    assert localcloud("scale", "--desired", "1").returncode == 0
    image = localcloud("image", "--name", "awesomeorange/orange", "--version", "v1")
    assert "/awesomeorange/orange@sha256:" in image.stdout
    fault = localcloud("fault", "no-such-fault", "--instance", "i-1")
    assert (fault.returncode, "silent-agent" in fault.stderr) == (1, True)
    throttled = localcloud("fault", "throttling", "--operation", "ssm:SendCommand", "--calls", "2")
    assert throttled.stdout.startswith("ssm:SendCommand: the next calls")
    assert localcloud("fault", "throttling", "--clear").stdout == "the cloud: throttling is over\n"

    assert localcloud("down").stdout == "the cloud is gone\n"
    assert localcloud.processes() == []
    assert not localcloud.state.exists()
    assert localcloud("down").stdout.startswith("nothing is running")


@pytest.mark.expects_denial
@pytest.mark.parametrize(("words", "scales"), [((), True), (("--operator", "deployer"), False)])
def test_the_credentials_printed_are_an_administrators_unless_the_deployers_are_asked_for(
    words: tuple[str, ...], scales: bool, localcloud: Commands
) -> None:
    up = localcloud("up", "--runtime", "process", "--instances", "1", *words)
    variables = dict(line.split("=", 1) for line in up.stdout.splitlines()[1:])
    variables = {name: value.strip("'\"") for name, value in variables.items()}
    wanted = ("--auto-scaling-group-name", "orange-web", "--desired-capacity", "2")
    scaled = subprocess.run(
        [AWS, "autoscaling", "set-desired-capacity", *wanted],
        env={**variables, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert (scaled.returncode == 0) is scales, scaled.stderr
    assert ("AccessDenied" in scaled.stderr) is not scales


def test_down_cleans_up_after_a_cloud_that_was_killed(localcloud: Commands) -> None:
    assert localcloud("up", "--runtime", "process", "--instances", "1", "--target-group").returncode == 0
    pid = StateDirectory(localcloud.state).pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    eventually("the process is gone", lambda: StateDirectory(localcloud.state).pid() is None)
    assert localcloud("status").stdout.startswith("nothing is running")
    assert localcloud("down").stdout == "the cloud is gone\n"
    assert localcloud.processes() == []
    assert not localcloud.state.exists()


def test_a_cloud_that_cannot_start_says_why_and_leaves_no_process(localcloud: Commands) -> None:
    up = localcloud("up", "--runtime", "process", "--app", "not/an/app")
    assert up.returncode == 1
    assert "not/an/app" in up.stderr
    assert "Traceback" not in up.stderr
    assert localcloud.processes() == []


@pytest.mark.parametrize(
    "words",
    [
        ("up", "--instances", "5", "--max-size", "2"),
        ("up", "--instances", "many"),
        ("up", "--runtime", "vm"),
        ("fault",),
        ("fault", "slow-pull", "--seconds", "soon"),
    ],
)
def test_bad_input_is_refused_before_anything_starts(localcloud: Commands, words: tuple[str, ...]) -> None:
    refused = localcloud(*words)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("error: ")
    assert not localcloud.state.exists()


def test_the_faults_are_listed_without_a_cloud(localcloud: Commands) -> None:
    listed = localcloud("fault", "--list")
    assert listed.returncode == 0
    assert "\nthrottling " in listed.stdout
    assert not localcloud.state.exists()


@pytest.mark.parametrize("begun", ["cloud.log", "cloud.pid", "instances"])
def test_an_up_that_is_interrupted_leaves_no_process(localcloud: Commands, begun: str) -> None:
    """At its very start, once it has its process, and while its instances boot."""
    words = [sys.executable, "-m", "localcloud", "up", "--runtime", "process", "--state-dir", str(localcloud.state)]
    up = subprocess.Popen(words, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    eventually(f"{begun} is there", (localcloud.state / begun).exists)
    up.send_signal(signal.SIGINT)
    _, complaint = up.communicate(timeout=30)
    assert (up.returncode, complaint) == (130, "error: interrupted\n")
    assert localcloud.processes() == []
    assert localcloud("status").stdout.startswith("nothing is running")
