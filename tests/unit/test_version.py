"""Versions: given by a tag, made from a run, or refused with the rule."""

from __future__ import annotations

from datetime import date

import pytest

from deployer.core.errors import BadInput
from deployer.core.version import check_version, is_preview, version_of

TODAY = date(2026, 11, 24)
SHA = "0123456789abcdef0123456789abcdef01234567"


def test_push_to_a_branch_is_named_after_date_run_and_commit() -> None:
    assert version_of("", "", TODAY, "41", "2", SHA) == "20261124.41.2-0123456"


def test_pull_request_is_named_in_the_version() -> None:
    assert version_of("", "7", TODAY, "41", "2", SHA) == "pr-7.41.2-0123456"


@pytest.mark.parametrize(
    ("version", "ref", "preview"),
    [
        ("pr-7.41.2-0123456", "", True),
        ("v1", "refs/pull/7/merge", True),
        ("v1", "refs/heads/main", False),
        ("pr-v1", "refs/heads/pr-7", False),
        ("20261124.41.2-0123456", "", False),
    ],
)
def test_what_a_pull_request_made_is_a_preview(version: str, ref: str, preview: bool) -> None:
    assert is_preview(version, ref) is preview


def test_pushed_tag_is_the_version() -> None:
    assert version_of("v1.2.3", "", TODAY, "41", "2", SHA) == "v1.2.3"


def test_pushed_tag_that_is_no_version_is_refused_with_the_rule() -> None:
    with pytest.raises(BadInput, match="1 to 128 letters"):
        version_of("release/1.0", "", TODAY, "41", "2", SHA)


@pytest.mark.parametrize(("number", "attempt", "sha"), [("", "2", SHA), ("41", "", SHA), ("41", "2", "")])
def test_outside_actions_a_version_has_to_be_given(number: str, attempt: str, sha: str) -> None:
    with pytest.raises(BadInput) as refusal:
        version_of("", "", TODAY, number, attempt, sha)
    assert "--version" in refusal.value.fix


@pytest.mark.parametrize("text", ["v1", "1", "20261124.41.2-0123456", "A_b.c-d", "x" * 128])
def test_versions(text: str) -> None:
    assert check_version(text) == text


@pytest.mark.parametrize("text", ["", ".v1", "-v1", "_v1", "v 1", "v1\n", "v/1", "v1;ls", "é1", "x" * 129])
def test_no_versions(text: str) -> None:
    with pytest.raises(BadInput):
        check_version(text)
