"""What an input may look like, and what it means."""

from __future__ import annotations

import pytest

from deployer.core.quantities import (
    Share,
    parse_count,
    parse_image_name,
    parse_lines,
    parse_rows,
    parse_seconds,
    parse_share,
    parse_switch,
)


@pytest.mark.parametrize(("text", "seconds"), [("0s", 0), ("90s", 90), ("10m", 600), ("1h", 3600)])
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["90", "1.5h", "-1s", "10 m", "1d", "1h30m", "s", ""])
def test_any_other_duration_is_refused_with_the_accepted_forms(text: str) -> None:
    with pytest.raises(ValueError, match="90s, 10m or 1h"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("text", "total", "instances"),
    [("2", 10, 2), ("20", 10, 10), ("33%", 3, 1), ("33%", 10, 3), ("1%", 10, 1), ("100%", 7, 7), ("50%", 0, 0)],
)
def test_a_share_of_a_group_rounds_down_but_never_to_none(text: str, total: int, instances: int) -> None:
    assert parse_share(text).of(total) == instances


def test_a_share_reads_back_as_it_was_written() -> None:
    assert [str(parse_share(each)) for each in ("2", "33%")] == ["2", "33%"]


@pytest.mark.parametrize("text", ["101%", "-1", "1.5", "a third", "%"])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"33%|100%"):
        parse_share(text)


@pytest.mark.parametrize("text", ["yes", "True", "1", "no"])
def test_a_switch_is_true_or_false_and_nothing_that_looks_like_it(text: str) -> None:
    with pytest.raises(ValueError, match="true or false"):
        parse_switch(text)


def test_a_count_has_no_sign_and_no_fraction() -> None:
    assert parse_count("12") == 12
    for text in ("-1", "1.0", "one"):
        with pytest.raises(ValueError, match="whole number"):
            parse_count(text)


def test_a_list_on_one_line_is_split_at_its_commas() -> None:
    assert parse_lines("a, b,,c") == ("a", "b", "c")


def test_a_list_of_lines_keeps_its_commas() -> None:
    assert parse_lines("TAGS=a,b\n\n  NAME=c \n") == ("TAGS=a,b", "NAME=c")


def test_a_share_of_a_count_is_at_most_the_group() -> None:
    assert Share(5).of(3) == 3


def test_a_list_whose_items_hold_commas_has_one_a_line() -> None:
    assert parse_rows("id=npm,env=NPM_TOKEN") == ("id=npm,env=NPM_TOKEN",)
    assert parse_rows("\n id=a,env=A \n\nid=b\n") == ("id=a,env=A", "id=b")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ghcr.io/AwesomeOrange/Orange", "ghcr.io/awesomeorange/orange"),
        ("Registry:5000/Orange-{service}", "registry:5000/orange-{service}"),
        ("Orange:V1", "orange:V1"),
        ("localhost:5000/A/b:Tag@sha256:AB", "localhost:5000/a/b:Tag@sha256:AB"),
        ("A/B:C:D", "a/b:c:D"),
        ("", ""),
    ],
)
def test_name_of_an_image_is_in_lower_case_and_its_tag_as_it_was_written(text: str, name: str) -> None:
    assert parse_image_name(text) == name
