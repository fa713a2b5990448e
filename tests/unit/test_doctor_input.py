"""`doctor` with input that is none: exit code 2, and nothing is looked at."""

from __future__ import annotations

import json

import pytest

from deployer import cli
from deployer.core.errors import EXIT_BAD_INPUT

PLACE = {"app": "orange", "bucket": "orange-releases", "auto-scaling-group": "orange-web"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app", "a/b"),
        ("bucket", "s3://x"),
        ("auto-scaling-group", "a b"),
        ("parameters", "/a/*"),
        ("health-check", "localhost"),
        ("image", "a/b:c:D"),
        ("document", "a b"),
        ("role-to-assume", "orange-deployer"),
    ],
)
def test_what_can_be_no_name_is_bad_input(name: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"--{each}={text}" for each, text in {**PLACE, name: value}.items()]
    assert cli.main(["doctor", "--json", *words], {}) == EXIT_BAD_INPUT
    answer = json.loads(capsys.readouterr().out)
    assert value in answer["error"]
    assert "checks" not in answer
