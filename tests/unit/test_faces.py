"""The faces of the product against what is declared in Python: action.yml files, their reference, the workflows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployer.cli import COMMANDS
from deployer.declaration import Input, inputs_of
from deployer.inputs import DeliveryInputs
from localcloud.options import CloudOptions

ROOT = Path(__file__).parents[2]
COMMAND_OF = {
    "assume-role": "assume-role",
    "build-push": "build",
    "publish": "publish",
    "rollout": "rollout",
    "rollback": "rollback",
    "plan": "plan",
    "status": "status",
    "doctor": "doctor",
}
ACTIONS = ["", *(f"actions/{name}" for name in COMMAND_OF)]
WORKFLOWS = sorted([*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("examples/*/.github/workflows/*.yml")])
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
OURS = re.compile(r"uses: awesomeorange/deploy(/actions/[a-z-]+)?@v1$")


def action(folder: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / folder / "action.yml").read_text(encoding="utf-8"))
    return loaded


def declared(folder: str) -> tuple[Input, ...]:
    return inputs_of(COMMANDS[COMMAND_OF[Path(folder).name]].inputs if folder else DeliveryInputs)


def test_generated_files_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "faces.py", "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("folder", ACTIONS)
def test_an_action_has_the_inputs_declared_in_python(folder: str) -> None:
    found = action(folder)["inputs"]
    assert list(found) == [each.name for each in declared(folder)]
    for each in declared(folder):
        assert found[each.name].get("required", False) == each.required
        assert found[each.name]["description"] == each.help


@pytest.mark.parametrize("folder", ACTIONS)
def test_a_default_of_an_action_means_the_default_in_python(folder: str) -> None:
    for each in declared(folder):
        shown = action(folder)["inputs"][each.name].get("default")
        if each.required:
            assert shown is None
        elif each.name == "github-token":
            assert shown == "${{ github.token }}"
        elif shown:
            assert each.parse(shown) == each.default
        else:
            assert each.default in ("", ())


@pytest.mark.parametrize("folder", ACTIONS)
def test_every_input_reaches_the_command_through_the_environment(folder: str) -> None:
    for step in action(folder)["runs"]["steps"]:
        command = COMMANDS[step["run"].splitlines()[-1].split("/scripts/run")[1].split()[1]]
        assert {each.variable for each in inputs_of(command.inputs)} <= set(step["env"])
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]


@pytest.mark.parametrize("folder", [each for each in ACTIONS if each != "actions/plan"])
def test_a_cancelled_job_signals_python_itself(folder: str) -> None:
    """`exec`: a runner signals the step's own process only. `plan` changes nothing and may be cut off."""
    for step in action(folder)["runs"]["steps"]:
        assert step["run"].splitlines()[-1].startswith('exec "$GITHUB_ACTION_PATH')


@pytest.mark.parametrize("folder", ACTIONS)
def test_an_action_uses_no_other_action(folder: str) -> None:
    assert all("uses" not in step for step in action(folder)["runs"]["steps"])


def test_the_root_action_has_every_input_of_its_steps() -> None:
    steps = [COMMANDS[name].inputs for name in ("build", "publish", "rollout")]
    asked = {each.name for group in steps for each in inputs_of(group)}
    assert {each.name for each in inputs_of(DeliveryInputs)} == asked - {"manifest-sha256"}


def test_the_root_action_rolls_out_the_very_manifest_it_published() -> None:
    *_, publish, rollout = action("")["runs"]["steps"]
    assert rollout["env"]["INPUT_MANIFEST_SHA256"] == f"${{{{ steps.{publish['id']}.outputs.manifest-sha256 }}}}"


def test_the_root_action_promises_these_outputs() -> None:
    built, rolled = "image digest images", "previous-version generation status instances-total instances-updated report"
    assert set(action("")["outputs"]) == {"version", *built.split(), *rolled.split(), "release-url"}


@pytest.mark.parametrize("name", ["image", "digest", "images"])
def test_the_root_action_says_which_image_also_when_it_was_given(name: str) -> None:
    value = action("")["outputs"][name]["value"]
    assert value == f"${{{{ steps.build.outputs.{name} || steps.check.outputs.{name} }}}}"


@pytest.mark.parametrize("folder", ACTIONS)
def test_an_output_comes_from_a_step_that_exists(folder: str) -> None:
    steps = {step["id"] for step in action(folder)["runs"]["steps"]}
    for output in action(folder)["outputs"].values():
        assert set(re.findall(r"steps\.([a-z]+)\.outputs", output["value"])) <= steps


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_a_workflow_pins_every_action_to_a_commit(path: Path) -> None:
    lines = [line.strip().removeprefix("- ") for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line.startswith("uses:"):
            assert PINNED.match(line) or OURS.match(line)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_a_workflow_starts_with_no_permission(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    assert all(job["permissions"] for job in workflow["jobs"].values())


def test_the_example_uses_the_line_its_readers_will_write() -> None:
    deploy, rollback = (
        (ROOT / "examples/orange/.github/workflows" / name).read_text(encoding="utf-8")
        for name in ("deploy.yml", "rollback.yml")
    )
    assert "uses: awesomeorange/deploy@v1\n" in deploy
    assert "uses: awesomeorange/deploy/actions/rollback@v1\n" in rollback


def delivering() -> dict[str, list[dict[str, Any]]]:
    """The workflows our users begin with, to deploy and to roll back: the example's, and those of the README."""
    readme = re.findall(r"^```yaml\n(on:.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.S | re.M)
    example = [path.read_text(encoding="utf-8") for path in WORKFLOWS if "orange" in path.parts]
    return {"README": [yaml.safe_load(each) for each in readme], "example": [yaml.safe_load(each) for each in example]}


@pytest.mark.parametrize("place", ["README", "example"])
def test_a_push_never_takes_the_place_of_a_rollback_that_waits(place: str) -> None:
    """GitHub keeps one waiting run of a group, the newest: a rollback has its own, and waits for the lease."""
    deploy, rollback = delivering()[place]
    assert deploy["concurrency"]["group"] != rollback["concurrency"]["group"]
    assert not any(each["concurrency"]["cancel-in-progress"] for each in (deploy, rollback))
    (job,) = rollback["jobs"].values()
    assert job["steps"][-1]["with"]["wait-for-lease"] == "1h"


@pytest.mark.parametrize("place", ["README", "example"])
def test_the_workflows_jobs_name_the_environment_that_the_guides_role_trusts(place: str) -> None:
    guide = (ROOT / "docs" / "infrastructure.md").read_text(encoding="utf-8")
    (trusted,) = set(re.findall(r" Environment=(\S+)", guide))
    jobs = [job for workflow in delivering()[place] for job in workflow["jobs"].values()]
    assert [job.get("environment") for job in jobs] == [trusted, trusted]
    assert CloudOptions(Path()).environment == trusted
