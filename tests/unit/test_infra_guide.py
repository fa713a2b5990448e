"""docs/infrastructure.md: its commands are ones that could be run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from deployer.cli import main
from deployer.infra.template import parameter_names, read

GUIDE = (Path(__file__).parents[2] / "docs" / "infrastructure.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *```sh\n(.*?)^ *```$", GUIDE, re.S | re.M)


def deploys() -> list[tuple[str, dict[str, str]]]:
    """Every `aws cloudformation deploy`: the template's name, and the parameters by name."""
    commands = [
        line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if "cloudformation deploy" in line
    ]
    found = []
    for command in commands:
        words = shlex.split(command)
        pairs = words[words.index("--parameter-overrides") + 1 :]
        parameters = dict(each.split("=", 1) for each in pairs if re.match("[A-Z][A-Za-z]+=", each))
        found.append((Path(words[words.index("--template-file") + 1]).name, parameters))
    return found


@pytest.mark.parametrize("block", BLOCKS)
def test_a_shell_can_read_every_block(block: str) -> None:
    subprocess.run(["bash", "-n"], input=block, text=True, check=True)


def test_every_stack_is_made_by_one_command() -> None:
    assert [name for name, _ in deploys()] == ["storage.yml", "identity.yml", "fleet.yml", "fleet.yml"]


@pytest.mark.parametrize(("template", "given"), deploys())
def test_commands_give_parameters_that_are_there(template: str, given: dict[str, str]) -> None:
    assert given.keys() <= parameter_names(template)


@pytest.mark.parametrize("template", ["storage.yml", "identity.yml", "fleet.yml"])
def test_a_stack_gets_all_it_needs(template: str) -> None:
    required = {name for name, each in read(template)["Parameters"].items() if "Default" not in each}
    first = next(given for name, given in deploys() if name == template)

    assert required - first.keys() == set()


def test_the_policies_are_printed_as_shown(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = (each for each in BLOCKS if "--what policies" in each)
    command = block.split(">policies.json")[0].replace("\\\n", " ")

    assert main(shlex.split(command)[1:]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed["roles"]["Deployer"]["policies"]) == ["deploy"]
    assert printed["bucket_policy"]["Statement"]
