"""Which releases may be removed."""

from __future__ import annotations

import pytest

from deployer.core.retention import DAY, Folder, Rules, newest_first, why_kept

NOW = 1_000 * DAY


def folder(version: str, days: float, *, is_release: bool = True) -> Folder:
    return Folder(version, (f"orange/releases/{version}/release.json",), 1, NOW - days * DAY, is_release)


FOLDERS = [
    folder("v1", 40),
    folder("v2", 30),
    folder("left", 35, is_release=False),
    folder("v3", 20),
    folder("fresh", 1, is_release=False),
    folder("v4", 2),
]


def stays(rules: Rules, **uses: list[str]) -> dict[str, str]:
    said = {each.version: why_kept(each, FOLDERS, uses.get(each.version, []), rules, NOW) for each in FOLDERS}
    return {version: why for version, why in said.items() if why}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (Rules(0, 0), set()),
        (Rules(0, 10 * DAY), {"v4", "fresh"}),
        (Rules(2, 0), {"v4", "v3"}),
        (Rules(3, 10 * DAY), {"v4", "v3", "v2", "fresh"}),
        (Rules(9, 0), {"v1", "v2", "v3", "v4"}),
        (Rules(0, 39 * DAY), {"v2", "left", "v3", "fresh", "v4"}),
    ],
)
def test_the_newest_and_the_young_stay(rules: Rules, expected: set[str]) -> None:
    assert set(stays(rules)) == expected


def test_what_a_group_needs_stays_and_says_why() -> None:
    said = stays(Rules(0, 0), v1=["desired by web", "previous of staged"])
    assert said == {"v1": "desired by web, previous of staged"}


def test_what_stays_says_for_how_long() -> None:
    said = stays(Rules(1, 10 * DAY))
    assert said == {"v4": "younger than 10 days", "fresh": "younger than 10 days"}
    assert stays(Rules(1, 0)) == {"v4": "among the newest 1"}


def test_the_newest_come_first() -> None:
    assert [each.version for each in newest_first(FOLDERS)] == ["fresh", "v4", "v3", "v2", "left", "v1"]


def test_what_has_no_manifest_yet_is_left_to_whoever_may_be_publishing_it() -> None:
    under_way = folder("v5", 0.5, is_release=False)
    assert why_kept(under_way, [under_way], [], Rules(0, 0), NOW) == "perhaps being published"
