"""A real GitHub Actions runner (act, on this host) that runs the example application's own workflows on this checkout.

`uses: awesomeorange/deploy@v1` resolves to a copy of the checkout without what git ignores: the runner copies the
action's folder for every step.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.outputs import keep

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "orange"
ACT = Path(sys.executable).parent / "act"
ACTION = "awesomeorange/deploy"


@dataclass(frozen=True)
class Job:
    """How one run of a workflow ended, as the runner's own log tells it."""

    events: Sequence[Mapping[str, Any]]

    @property
    def succeeded(self) -> bool:
        results = [event["jobResult"] for event in self.events if "jobResult" in event]
        return bool(results) and set(results) == {"success"}

    @property
    def log(self) -> str:
        return "".join(_line(event) for event in self.events)

    @property
    def exit_codes(self) -> list[str]:
        """The exit code of every failed step of ours, innermost first."""
        return [event["msg"].split()[-1] for event in self.events if event.get("msg", "").startswith("exit status ")]

    def outputs(self, step: str) -> dict[str, str]:
        """What the workflow's step with that id put out."""
        return {
            event["name"]: event["arg"]
            for event in self.events
            if event.get("command") == "set-output" and event.get("stepID") == [step]
        }

    def annotations(self, kind: str) -> list[str]:
        """The text of every `::error` (or `warning`, `notice`) line, in order."""
        raw = [event["raw"] for event in self.events if event.get("command") == kind]
        return [line.split("::", 2)[2].replace("%0A", "\n").strip() for line in raw]

    @property
    def summary(self) -> str:
        """The job's summary; what a step wrote is told again by the action around it, and kept once."""
        found = [event["content"] for event in self.events if event.get("command") == "summary"]
        return "".join(dict.fromkeys(found))


def _line(event: Mapping[str, Any]) -> str:
    text: str = event.get("raw") or event.get("msg") or ""
    return text if text.endswith("\n") else f"{text}\n"


@dataclass
class Repository:
    """A user's repository: the example application, with a static busybox for images that are built FROM scratch."""

    path: Path
    action: Path
    variables: dict[str, str] = field(default_factory=dict)
    """The repository's configuration variables (`vars`)."""

    def commit(self, message: str) -> str:
        """Commits everything there is; gives the commit's id."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", message)
        return self._git("rev-parse", "HEAD")

    def workflow(self, name: str, text: str) -> None:
        """Adds a workflow of the test's own."""
        (self.path / ".github" / "workflows" / name).write_text(text, encoding="utf-8")

    def push(self, workflow: str, environment: Mapping[str, str]) -> Job:
        """What the runner does of a push to main."""
        return self._act(["push"], workflow, environment)

    def dispatch(self, workflow: str, environment: Mapping[str, str], inputs: Mapping[str, str] | None = None) -> Job:
        """What the runner does when somebody starts a workflow by hand."""
        given = [f"--input={name}={value}" for name, value in (inputs or {}).items()]
        return self._act(["workflow_dispatch", *given], workflow, environment)

    def _act(self, event: Sequence[str], workflow: str, environment: Mapping[str, str]) -> Job:
        """`environment` reaches every step: where the cloud is, and the OIDC variables GitHub gives a job."""
        command = [
            *(str(ACT), *event, "--json", "--platform=ubuntu-latest=-self-hosted", "--no-cache-server"),
            *(f"--local-repository={ACTION}@v1={self.action}", f"--workflows=.github/workflows/{workflow}"),
            *(f"--var={name}={value}" for name, value in self.variables.items()),
            *(f"--env={name}={value}" for name, value in environment.items()),
            "--secret=GITHUB_TOKEN=ghs_local",
        ]
        done = subprocess.run(
            command, cwd=self.path, env=_own_environment(self.path), capture_output=True, text=True, timeout=540
        )
        keep("jobs", done.stdout, done.stderr)
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert any("jobResult" in event for event in events), f"the runner did not run:\n{done.stdout}\n{done.stderr}"
        return Job(events)

    def _git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Orange", "-c", "user.email=orange@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *identity, *arguments], cwd=self.path, check=True, capture_output=True, text=True)
        return done.stdout.strip()


def _own_environment(home: Path) -> dict[str, str]:
    """This process's environment without what would tell a job more than GitHub does: keys, inputs, a runner's own."""
    strange = ("AWS_", "INPUT_", "GITHUB_", "RUNNER_", "ACTIONS_", "PYTHON", "VIRTUAL_ENV", "DEPLOYER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    return {**kept, "XDG_CACHE_HOME": str(home.parent / "runner-cache")}


def new_repository(directory: Path, busybox: Path | None) -> Repository:
    """The example as its users have it, on branch main, not committed yet; and the action it will use.

    Without `busybox` its images cannot be built.
    """
    repository = Repository(directory / "orange", directory / "deploy")
    shutil.copytree(EXAMPLE, repository.path)
    if busybox:
        shutil.copy(busybox, repository.path / "bin" / "busybox")
    (repository.path / ".gitignore").unlink()
    repository._git("init", "--quiet", "--initial-branch=main")
    repository._git("remote", "add", "origin", "https://github.com/awesomeorange/orange.git")
    _copy_checkout(repository.action)
    return repository


def _copy_checkout(target: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
