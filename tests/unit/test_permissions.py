"""The table of what is granted and used says what does not fit together."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.permissions.__main__ import main, unused, usage
from tests.permissions.grants import Grant, grants
from tests.permissions.not_used_here import NOT_USED_HERE

PRINCIPALS = {
    "Deployer": "operator",
    "Instance": "lemon-web-instance",
    "Monitoring": "orange-web-monitoring",
    "Status": "orange-web-status",
    "Janitor": "orange-web-janitor",
}


def asked(grant: Grant, **changes: Any) -> dict[str, Any]:
    """One line of a cloud's record: a request the grant allowed."""
    row = {
        "principal": PRINCIPALS[grant.role],
        "action": grant.action,
        "resource": "*",
        "statement": grant.statement,
        "allowed": True,
        "expected": False,
        "test": "tests/test_it.py::test_it",
    }
    return {**row, **changes}


def everything() -> list[dict[str, Any]]:
    """As if every permission had been used but those that are explained."""
    return [asked(each) for each in grants() if (each.role, each.action) not in NOT_USED_HERE]


def run(directory: Path, rows: Iterable[dict[str, Any]], *options: str) -> int:
    (directory / "one.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
    return main([str(directory), *options])


def test_nothing_is_to_be_said_when_all_that_is_granted_is_used(tmp_path: Path) -> None:
    assert run(tmp_path, everything(), "--whole") == 0


def test_a_permission_nothing_used_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [each for each in everything() if each["action"] != "ssm:CancelCommand"]
    assert run(tmp_path, rows, "--whole") == 1
    assert "error: Deployer may ssm:CancelCommand by deploy/LookAtFleetAndCommands" in capsys.readouterr().out


def test_some_tests_alone_need_not_use_everything(tmp_path: Path) -> None:
    assert run(tmp_path, everything()[:3]) == 0


def test_a_run_without_any_cloud_used_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, [], "--whole") == 1
    assert run(tmp_path, []) == 0


def test_what_is_explained_and_used_all_the_same_is_named() -> None:
    role, action = next(iter(NOT_USED_HERE))
    [grant] = [each for each in grants() if (each.role, each.action) == (role, action)][:1]
    [said] = unused(usage([*everything(), asked(grant)]))
    assert f"{role} may {action}, and tests/test_it.py::test_it used it" in said


def test_a_denial_fails_the_run_unless_it_was_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    denial = asked(next(iter(grants())), allowed=False, statement="", resource="arn:aws:s3:::b/k")
    assert run(tmp_path, [denial]) == 1
    assert "on arn:aws:s3:::b/k in tests/test_it.py::test_it" in capsys.readouterr().out
    assert run(tmp_path, [{**denial, "expected": True}]) == 0
    (tmp_path / "one.expects").write_text(json.dumps([denial["test"]]))
    assert run(tmp_path, [denial]) == 0


def test_what_somebody_else_was_allowed_uses_nothing_of_ours() -> None:
    grant = next(iter(grants()))
    assert not any(usage([asked(grant, principal="somebody")]).values())
