"""The checker bites: every mistake of the table is seen, and every mistake is one."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from tests.simulation.mutant_table import MUTANTS, Mutant
from tests.simulation.mutants import ROOT, hunt_all, mutated, row

FEWEST = 20


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_changes_one_place_and_can_be_run(mutant: Mutant) -> None:
    text = mutated(mutant)
    ast.parse(text)
    assert text != (ROOT / "scripts" / "deployer" / mutant.file).read_text()


def test_a_mistake_whose_place_is_gone_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 times"):
        mutated(replace(MUTANTS[0], before="this is nowhere"))


def test_every_mistake_is_seen_within_two_thousand_seeds() -> None:
    assert len(MUTANTS) >= FEWEST
    hunts = tuple(hunt_all(MUTANTS))
    survived = [row(each) for each in hunts if not each.caught]
    assert not survived, "\n".join(survived)
