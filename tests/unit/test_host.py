"""The line in which an instance says what is installed there."""

from __future__ import annotations

import pytest

from deployer.core.host import Host, find_host

MARKER = 'deployer: {"outcome":"unchanged"}'


def test_the_line_is_found_before_the_marker() -> None:
    said = 'host: {"docker":"25.0.3","compose":"2.26.1","aws":"2.15.30","parameters":"readable","kernel":"6"}'
    assert find_host(f"{said}\n{MARKER}\n") == Host("25.0.3", "2.26.1", "2.15.30", "readable")


@pytest.mark.parametrize("line", ["", "host: ", "host: []", "host: {", "ghost: {}"])
def test_what_is_no_such_line_is_none(line: str) -> None:
    assert find_host(f"{line}\n{MARKER}\n") is None


def test_what_is_left_out_is_empty() -> None:
    assert find_host("host: {}") == Host()
