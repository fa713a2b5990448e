"""Imports point one way: commands → rollout, aws, github, image, infra → core; each world is known in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "scripts" / "deployer"
LAYERS = ("core", "rollout", "aws", "github", "image", "infra", "doctor", "commands")
AT_THE_TOP = {
    "deployer": set(LAYERS),
    "deployer.declaration": set[str](),
    "deployer.inputs": set(LAYERS) - {"core"},
    "deployer.outcome": set(LAYERS) - {"core"},
    "deployer.instance_files": {"commands", "doctor"},
    "deployer.cli": set[str](),
}
"""Modules outside the layers, and who may import them."""

MAY_IMPORT = {
    "core": {"core"},
    "rollout": {"rollout", "core"},
    "aws": {"aws", "core"},
    "github": {"github", "core"},
    "image": {"image", "core"},
    "infra": {"infra", "core"},
    "doctor": set(LAYERS),
    "commands": set(LAYERS),
}
ONLY_IN = {"boto3": "aws", "botocore": "aws", "s3transfer": "aws", "github": "github"}
NOT_IN_CORE = {
    *("boto3", "botocore", "github", "requests", "urllib", "http", "socket", "subprocess", "threading", "asyncio"),
    *("os", "time", "random", "secrets", "uuid", "pathlib", "shutil", "tempfile", "logging"),
}
CLOCK = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}


def modules(layer: str) -> list[Path]:
    found = sorted((PACKAGE / layer).rglob("*.py"))
    assert found, f"{layer} is empty"
    return found


def imports(path: Path) -> Iterator[str]:
    """The full name of every module that `path` imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "deployer")


def layer_of(module: str) -> str:
    return module.split(".")[1]


def allowed(layer: str, module: str) -> bool:
    if module in AT_THE_TOP:
        return layer in AT_THE_TOP[module]
    return module.startswith("deployer.__") or layer_of(module) in MAY_IMPORT[layer]


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_point_one_way(layer: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in modules(layer)
        for module in imports(path)
        if module.split(".")[0] == "deployer" and not allowed(layer, module)
    ]
    assert wrong == []


@pytest.mark.parametrize("layer", LAYERS)
def test_each_world_is_known_in_one_layer(layer: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in modules(layer)
        for module in imports(path)
        if ONLY_IN.get(module.split(".")[0], layer) != layer
    ]
    assert wrong == []


def test_core_has_no_clock_no_network_no_environment() -> None:
    wrong = [
        f"{path.name} imports {module}"
        for path in modules("core")
        for module in imports(path)
        if module.split(".")[0] in NOT_IN_CORE
    ]
    assert wrong == []


def test_core_never_asks_what_time_it_is() -> None:
    wrong = [
        f"{path.name}:{node.lineno}"
        for path in modules("core")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name | ast.Attribute)
        and (getattr(node.value, "id", getattr(node.value, "attr", "")), node.attr) in CLOCK
    ]
    assert wrong == []


def test_modules_at_the_top_are_known() -> None:
    """A new one would escape the rules above."""
    known = {name.removeprefix("deployer.") for name in AT_THE_TOP} - {"deployer"}
    assert {path.stem for path in PACKAGE.glob("*.py")} == {*known, "__init__", "__main__"}
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(LAYERS)


def test_the_rules_notice_a_wrong_import(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("def f():\n    from deployer.aws import session\n    import boto3.session\n")
    assert list(imports(module)) == ["deployer.aws", "boto3.session"]
    module.write_text("from deployer import aws\n")
    assert list(imports(module)) == ["deployer", "deployer.aws"]
