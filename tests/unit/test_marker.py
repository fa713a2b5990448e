"""The one line by which an instance proves what it runs."""

from __future__ import annotations

import json

import pytest

from deployer.core.marker import Marker, find_marker

SHA = "ab" * 32


def line(**changes: object) -> str:
    fields = {"outcome": "activated", "version": "v2", "generation": 4, "manifest_sha256": SHA, "reason": ""}
    return "deployer: " + json.dumps({**fields, "seconds": {"pull": 1.5}, **changes})


def test_the_last_line_is_the_marker() -> None:
    marker = find_marker(f"pulling\n{line()}\n\n")
    assert marker == Marker("activated", "v2", 4, SHA, seconds={"pull": 1.5})


def test_a_marker_that_is_not_the_last_line_proves_nothing() -> None:
    assert find_marker(f"{line()}\nand then it fell over") is None


@pytest.mark.parametrize(
    "output",
    ["", "deployer:", "deployer: {", "deployer: []", "deployer: 7", 'deployer: {"outcome": "activated"}', line()[:-5]],
)
def test_what_is_no_marker_is_none(output: str) -> None:
    assert find_marker(output) is None


def test_an_outcome_nobody_knows_is_no_marker() -> None:
    assert find_marker(line(outcome="fine")) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "v1"},
        {"manifest_sha256": "cd" * 32},
        {"generation": 3},
        {"outcome": "restored"},
        {"outcome": "failed"},
    ],
)
def test_only_the_intended_release_in_this_generation_is_proof(changes: dict[str, object]) -> None:
    marker = find_marker(line(**changes))
    assert marker is not None
    assert not marker.proves("v2", SHA, 4)


def test_the_version_of_its_parameters_is_told_where_the_instance_says_it() -> None:
    said, silent = find_marker(line(parameters="7")), find_marker(line())
    assert said is not None
    assert silent is not None
    assert (said.parameters, silent.parameters) == ("7", "")


def test_unchanged_is_as_good_a_proof_as_activated() -> None:
    marker = find_marker(line(outcome="unchanged"))
    assert marker is not None
    assert marker.proves("v2", SHA, 4)


def test_an_instance_that_runs_nothing_may_say_null() -> None:
    marker = find_marker(line(outcome="unchanged", version=None, generation=None, manifest_sha256=None))
    assert marker == Marker("unchanged", "", 0, "", seconds={"pull": 1.5})
