"""Versions: given by a tag, made from a run, or refused with the rule."""

from __future__ import annotations

from datetime import date

import pytest

from deployer.core.errors import BadInput
from deployer.core.version import check_version, version_from

TODAY = date(2026, 11, 24)
SHA = "0123456789abcdef0123456789abcdef01234567"
RUN = {
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_REF_NAME": "main",
    "GITHUB_RUN_NUMBER": "41",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SHA": SHA,
}


def test_push_to_a_branch_is_named_after_date_run_and_commit() -> None:
    assert version_from(RUN, TODAY) == "20261124.41.2-0123456"


def test_pushed_tag_is_the_version() -> None:
    assert version_from({**RUN, "GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v1.2.3"}, TODAY) == "v1.2.3"


def test_pushed_tag_that_is_no_version_is_refused_with_the_rule() -> None:
    with pytest.raises(BadInput, match="1 to 128 letters"):
        version_from({**RUN, "GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "release/1.0"}, TODAY)


@pytest.mark.parametrize("missing", ["GITHUB_RUN_NUMBER", "GITHUB_RUN_ATTEMPT", "GITHUB_SHA"])
def test_outside_actions_a_version_has_to_be_given(missing: str) -> None:
    with pytest.raises(BadInput) as refusal:
        version_from({name: value for name, value in RUN.items() if name != missing}, TODAY)
    assert "--version" in refusal.value.fix


@pytest.mark.parametrize("text", ["v1", "1", "20261124.41.2-0123456", "A_b.c-d", "x" * 128])
def test_versions(text: str) -> None:
    assert check_version(text) == text


@pytest.mark.parametrize("text", ["", ".v1", "-v1", "_v1", "v 1", "v1\n", "v/1", "v1;ls", "é1", "x" * 129])
def test_no_versions(text: str) -> None:
    with pytest.raises(BadInput):
        check_version(text)
