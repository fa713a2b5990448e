"""What is found in a working directory, and what is left out of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.core.errors import BadInput
from deployer.image.checkout import Checkout


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), {"a.md", "b", "deep/a.md", "deep/data/x", "data/x"}),
        (("*.md",), {"b", "deep/data/x", "data/x"}),
        (("*.md", "!/a.md"), {"a.md", "b", "deep/data/x", "data/x"}),
        (("data/",), {"a.md", "b", "deep/a.md"}),
        (("/data",), {"a.md", "b", "deep/a.md", "deep/data/x"}),
        (("deep/**/x",), {"a.md", "b", "deep/a.md", "data/x"}),
        (("# a note", "b"), {"a.md", "deep/a.md", "deep/data/x", "data/x"}),
    ],
)
def test_patterns_mean_what_they_mean_in_a_gitignore(
    tmp_path: Path, patterns: tuple[str, ...], expected: set[str]
) -> None:
    for path in ("a.md", "b", "deep/a.md", "deep/data/x", "data/x", ".git/config"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert set(Checkout(tmp_path, patterns).files(".", "files")) == expected


def test_pattern_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="exclude: ") as refusal:
        Checkout(tmp_path, ["!"])
    assert refusal.value.fix
