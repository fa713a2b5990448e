"""scripts/environment and scripts/run, on a stand-in `uv`: what is built, when, and what a command finds around it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / "scripts" / "environment"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
UV = """#!/usr/bin/env bash
printf '%s index=%s\\n' "$*" "${UV_DEFAULT_INDEX:-}" >>"$UV_LOG"
[ -e "$UV_LOG.broken" ] && exit 1
sleep "${UV_SECONDS:-0}"
"""


@dataclass
class Machine:
    """A runner with a stand-in `uv` on its PATH, which installs nothing and writes down what it was asked."""

    path: Path

    def __post_init__(self) -> None:
        self.program("uv", UV)
        self.lock.write_text("requests==2.0 --hash=sha256:00\n")

    @property
    def lock(self) -> Path:
        return self.path / "some.txt"

    @property
    def log(self) -> Path:
        return self.path / "uv.log"

    @property
    def installs(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def program(self, name: str, text: str) -> Path:
        program = self.path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
        return program

    def variables(self, more: dict[str, str]) -> dict[str, str]:
        own = {"PATH": f"{self.path / 'bin'}:{os.environ['PATH']}", "UV_LOG": str(self.log), "HOME": str(self.path)}
        return {**own, "DEPLOYER_PYTHON": sys.executable, "RUNNER_TEMP": str(self.path), **more}

    def start(self, *words: str | Path, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words, env=self.variables(more), cwd=self.path, stdout=-1, stderr=-1, text=True, start_new_session=True
        )

    def run(self, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, **more)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def environment(self, directory: str = "env", **more: str) -> subprocess.CompletedProcess[str]:
        return self.run(ENVIRONMENT, self.lock, self.path / directory, **more)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_missing_environment_is_built_and_its_python_is_named(machine: Machine) -> None:
    done = machine.environment()

    assert done.stdout == f"{machine.path}/env/bin/python\n"
    answer = machine.run(done.stdout.strip(), "-c", "import sys; print(sys.prefix)")
    assert answer.stdout == f"{machine.path}/env\n"
    [install] = machine.installs
    assert "--require-hashes" in install
    assert "--no-deps" in install
    assert str(machine.lock) in install


def test_an_environment_that_is_right_is_left_alone(machine: Machine) -> None:
    machine.environment()
    (machine.path / "env" / "mark").touch()

    done = machine.environment()

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{machine.path}/env/bin/python\n", "")
    assert len(machine.installs) == 1
    assert (machine.path / "env" / "mark").exists()


def test_another_lock_replaces_everything(machine: Machine) -> None:
    machine.environment()
    (machine.path / "env" / "lib" / "left-over").touch()
    machine.lock.write_text("requests==2.1 --hash=sha256:00\n")

    machine.environment()

    assert len(machine.installs) == 2
    assert not (machine.path / "env" / "lib" / "left-over").exists()


def test_a_build_that_was_killed_is_done_again(machine: Machine) -> None:
    process = machine.start(ENVIRONMENT, machine.lock, machine.path / "env", UV_SECONDS="60")
    eventually("the build has begun", lambda: len(machine.installs) == 1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    done = machine.environment()

    assert done.returncode == 0
    assert len(machine.installs) == 2


def test_two_at_once_build_once(machine: Machine) -> None:
    command = (ENVIRONMENT, machine.lock, machine.path / "env")
    both = [machine.start(*command, UV_SECONDS="0.5") for _ in range(2)]

    assert {process.communicate(timeout=60)[0] for process in both} == {f"{machine.path}/env/bin/python\n"}
    assert len(machine.installs) == 1


def test_the_name_of_an_environment_may_hold_its_lock_and_its_python(machine: Machine) -> None:
    first = machine.environment("env-{lock}-{python}").stdout
    machine.lock.write_text("requests==2.1 --hash=sha256:00\n")
    second = machine.environment("env-{lock}-{python}").stdout

    assert f"-{VERSION}/bin/python" in first
    assert first != second


def test_uv_takes_over_the_index_pip_is_configured_with(machine: Machine) -> None:
    machine.environment(PIP_INDEX_URL="https://mirror.example/simple")

    assert machine.installs[0].endswith("index=https://mirror.example/simple")


def test_without_pip_and_uv_the_message_names_both_and_the_packages(machine: Machine) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", machine.path / "bare"], check=True)
    Path(f"{machine.log}.broken").touch()

    done = machine.environment(DEPLOYER_PYTHON=f"{machine.path}/bare/bin/python", GITHUB_ACTIONS="true")

    assert done.returncode == 1
    assert "has no pip" in done.stderr
    assert "apt-get install python3-pip" in done.stderr
    assert "Traceback" not in done.stderr
    [annotation] = [line for line in done.stderr.splitlines() if line.startswith("::error ")]
    assert "apt-get install python3-pip" in annotation


def test_without_a_python_the_message_says_which_and_how_to_get_it(machine: Machine) -> None:
    for name in ("bash", "dirname", "realpath", "sha256sum", "cat", "flock"):
        (machine.path / "bin" / name).symlink_to(shutil.which(name) or name)

    done = machine.run("/bin/bash", ENVIRONMENT, machine.lock, "env", PATH=f"{machine.path}/bin", DEPLOYER_PYTHON="")

    assert done.returncode == 1
    assert "needs Python 3.10 or newer" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_a_folder_that_is_no_environment_is_not_replaced(machine: Machine) -> None:
    (machine.path / "mine").mkdir()
    (machine.path / "mine" / "thesis.txt").write_text("years of work")

    done = machine.environment("mine")

    assert done.returncode == 1
    assert "is not a virtual environment" in done.stderr
    assert (machine.path / "mine" / "thesis.txt").exists()


def test_windows_is_refused_in_words(machine: Machine) -> None:
    done = machine.environment(OSTYPE="msys", GITHUB_ACTIONS="true")

    assert done.returncode == 1
    assert "this runner is Windows" in done.stderr
    assert "runs-on: ubuntu-latest" in done.stderr


def test_a_command_imports_nothing_from_the_folder_it_runs_in(machine: Machine) -> None:
    for name in ("deployer", "argparse", "sitecustomize"):
        (machine.path / f"{name}.py").write_text("raise SystemExit('imported from the working directory')")

    done = machine.run(ROOT / "scripts" / "run", "--version", PYTHONPATH=str(machine.path))

    assert (done.returncode, done.stderr.count("imported")) == (0, 0)


def test_a_command_runs_without_a_home(machine: Machine) -> None:
    done = machine.run(ROOT / "scripts" / "run", "--version", HOME="")

    assert done.returncode == 0
    assert done.stdout.strip().count(".") == 2


def test_a_command_keeps_its_words_as_they_are(machine: Machine) -> None:
    words = ("render", "--what", "a b", "--app", "$HOME `x` \"y\" 'z'\n*")
    checkout(machine, "import sys\ndef main():\n    print(ascii(sys.argv[1:]))\n    return 7\n")

    done = machine.run(machine.path / "scripts" / "run", *words)

    assert done.stdout.strip() == ascii(list(words))
    assert done.returncode == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_launcher_reaches_the_command(machine: Machine, number: signal.Signals) -> None:
    checkout(
        machine,
        "import signal, sys, time\n"
        "def main():\n"
        f"    signal.signal({int(number)}, lambda *_: sys.exit(40))\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n",
    )

    process = machine.start(machine.path / "scripts" / "run")
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    os.kill(process.pid, number)

    process.communicate(timeout=10)
    assert process.returncode == 40


def checkout(machine: Machine, command_line: str) -> None:
    """A checkout whose command line is `command_line`."""
    for name in ("scripts/run", "scripts/environment", "requirements/runtime.txt"):
        (machine.path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, machine.path / name)
    package = machine.path / "scripts" / "deployer"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "cli.py").write_text(command_line)
