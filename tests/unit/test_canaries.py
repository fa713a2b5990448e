"""A secret that was let out is found, wherever it went and however much of it is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.options import CANARY
from localcloud.outputs import DIRECTORY, keep, keep_objects
from tests.canaries.__main__ import KINDS, main


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a run let out: a little of every kind, no secret."""
    monkeypatch.setenv(DIRECTORY, str(tmp_path))
    for kind in KINDS:
        keep(kind, "PASSWORD=*** and nothing else")
    return tmp_path


def test_nothing_let_out_is_nothing_said(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(outputs), "--whole"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", [CANARY, CANARY[20:], CANARY[:20], f'{{"reason": "{CANARY}"}}'])
def test_a_leak_of_any_kind_is_named_and_not_repeated(
    outputs: Path, capsys: pytest.CaptureFixture[str], kind: str, what: str
) -> None:
    keep(kind, f"cannot work with PASSWORD={what}")
    assert main([str(outputs)]) == 1
    said = capsys.readouterr().out
    assert said.startswith(f"error: {kind}.")
    assert "line 2: a secret was let out after 'cannot work with PASSWORD=" in said
    assert CANARY[:16] not in said


def test_a_leak_into_the_bucket_is_found(outputs: Path) -> None:
    keep_objects([("bucket/orange/groups/web/rollouts/0000000001.json", f"\xff {CANARY}".encode("latin-1"))])
    assert main([str(outputs)]) == 1


def test_a_kind_of_which_nothing_was_kept_is_no_success_of_a_whole_run(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in outputs.glob("consoles.*"):
        file.unlink()
    assert main([str(outputs)]) == 0
    assert main([str(outputs), "--whole"]) == 1
    assert "nothing was kept of consoles" in capsys.readouterr().out


def test_nothing_is_kept_where_nobody_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DIRECTORY, raising=False)
    keep("scripts", CANARY)
    assert list(tmp_path.iterdir()) == []
