"""No error leaves a person without a next step."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "scripts" / "deployer"
ERRORS = {"BadInput", "DeployError", "Refused"}


def without_fix(source: str) -> Iterator[int]:
    """The lines that make an error of ours with nothing in `fix`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            given = [*node.args[1:2], *(each.value for each in node.keywords if each.arg == "fix")]
            if not given or (isinstance(given[0], ast.Constant) and not given[0].value):
                yield node.lineno


@pytest.mark.parametrize("layer", ["aws", "commands", "github", "image"])
def test_every_error_says_what_to_do_next(layer: str) -> None:
    files = sorted((PACKAGE / layer).glob("*.py"))
    assert files
    wrong = [f"{path.name}:{line}" for path in files for line in without_fix(path.read_text(encoding="utf-8"))]
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [("raise BadInput('x')", [1]), ("raise Refused('x', '')", [1]), ("DeployError('x', fix='y')", [])],
)
def test_an_error_without_a_next_step_is_noticed(source: str, lines: list[int]) -> None:
    assert list(without_fix(source)) == lines
