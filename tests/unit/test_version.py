"""Versions: given by a tag, made from a run, or refused with the rule."""

from __future__ import annotations

from datetime import date

import pytest

from deployer.core.errors import BadInput
from deployer.core.version import check_version, version_of

TODAY = date(2026, 11, 24)
SHA = "0123456789abcdef0123456789abcdef01234567"


def test_push_to_a_branch_is_named_after_date_run_and_commit() -> None:
    assert version_of("", TODAY, "41", "2", SHA) == "20261124.41.2-0123456"


def test_pushed_tag_is_the_version() -> None:
    assert version_of("v1.2.3", TODAY, "41", "2", SHA) == "v1.2.3"


def test_pushed_tag_that_is_no_version_is_refused_with_the_rule() -> None:
    with pytest.raises(BadInput, match="1 to 128 letters"):
        version_of("release/1.0", TODAY, "41", "2", SHA)


@pytest.mark.parametrize(("number", "attempt", "sha"), [("", "2", SHA), ("41", "", SHA), ("41", "2", "")])
def test_outside_actions_a_version_has_to_be_given(number: str, attempt: str, sha: str) -> None:
    with pytest.raises(BadInput) as refusal:
        version_of("", TODAY, number, attempt, sha)
    assert "--version" in refusal.value.fix


@pytest.mark.parametrize("text", ["v1", "1", "20261124.41.2-0123456", "A_b.c-d", "x" * 128])
def test_versions(text: str) -> None:
    assert check_version(text) == text


@pytest.mark.parametrize("text", ["", ".v1", "-v1", "_v1", "v 1", "v1\n", "v/1", "v1;ls", "é1", "x" * 129])
def test_no_versions(text: str) -> None:
    with pytest.raises(BadInput):
        check_version(text)
