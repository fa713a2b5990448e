"""Names that become parts of keys and of commands: those that may, and those refused with the rule."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deployer.core import keys
from deployer.core.errors import BadInput

BUCKETS = ["releases", "my.bucket-1", "abc", "a" * 63]
NO_BUCKETS = ["", "ab", "UPPER", "s3://releases", "releases/", "-abc", "abc-", "a" * 64, "abc\n"]
GROUPS = ["orange-prod", "a", "Orange_2.x", "a" * 255]
NO_GROUPS = ["", "a/b", "a b", "-x", "`id`", "a" * 256, "a\n", "releases"]


@pytest.mark.parametrize("text", BUCKETS)
def test_buckets(text: str) -> None:
    assert keys.check_bucket(text) == text


@pytest.mark.parametrize("text", GROUPS)
def test_groups(text: str) -> None:
    assert keys.check_group(text) == text


@pytest.mark.parametrize(
    ("check", "text", "named"),
    [
        *((keys.check_bucket, text, "`bucket`") for text in NO_BUCKETS),
        *((keys.check_group, text, "`auto-scaling-group`") for text in NO_GROUPS),
    ],
)
def test_anything_else_is_refused_with_the_rule(check: Callable[[str], str], text: str, named: str) -> None:
    with pytest.raises(BadInput) as refusal:
        check(text)
    assert named in refusal.value.fix
