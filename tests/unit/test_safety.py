"""The second look: what no decision may ask for, whatever led to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.core.absorb import absorb
from deployer.core.actions import Action, Activate, Drain, Finish, Promote, Result, TurnBack
from deployer.core.decide import UNSAFE, decide
from deployer.core.fleet import Fleet, Instance
from deployer.core.marker import Marker
from deployer.core.plan import Limits, Plan, Target, turned_back
from deployer.core.progress import Progress, Stage
from deployer.core.quantities import Share
from deployer.core.safety import flaw

SHA = "ab" * 32
PLAN = Plan(Target("v2", SHA, 7), Target("v1", SHA, 0), Limits(window=Share(1)), True, True, 0.0)
FLEET = Fleet(tuple(Instance(f"i-{at}", "InService") for at in range(3)))
IDS = ("i-0", "i-1", "i-2")


def at(stage: Stage, *ids: str, generation: int = 7) -> Progress:
    progress = absorb(PLAN, FLEET, Progress(), 0.0).moved(ids, Stage.ACTIVATING, 1.0)
    for each in ids:
        progress = progress.heard(each, Marker("activated", "v2", generation, SHA))
    return progress.moved(ids, stage, 2.0)


@pytest.mark.parametrize(
    ("progress", "actions", "said"),
    [
        (at(Stage.DRAINING, "i-0"), [Drain(("i-1",))], "2 instances in flight, and the window is 1"),
        (at(Stage.NEW), [Activate(("i-0", "i-1"))], "2 instances in flight"),
        (at(Stage.NEW), [Promote()], "its canary has not proven"),
        (at(Stage.PROVEN, "i-0", "i-1"), [Finish(Result.SUCCEEDED)], "without a proof of i-2"),
        (at(Stage.PROVEN, *IDS, generation=6), [Finish(Result.SUCCEEDED)], "without a proof of i-0, i-1, i-2"),
    ],
)
def test_what_must_never_be_done_is_named(progress: Progress, actions: list[Action], said: str) -> None:
    assert said in flaw(PLAN, FLEET, progress, actions)


@pytest.mark.parametrize(
    ("progress", "actions"),
    [
        (at(Stage.DRAINING, "i-0"), [Activate(("i-0",))]),
        (at(Stage.PROVEN, "i-0"), [Drain(("i-1",))]),
        (at(Stage.PROVEN, "i-0"), [Promote()]),
        (at(Stage.PROVEN, *IDS), [Finish(Result.SUCCEEDED)]),
        (at(Stage.FAILED, *IDS), [Finish(Result.COULD_NOT_RESTORE, "i-0")]),
    ],
)
def test_what_a_rollout_does_is_safe(progress: Progress, actions: list[Action]) -> None:
    assert flaw(PLAN, FLEET, progress, actions) == ""


def test_who_may_have_been_told_and_is_out_of_service_since_takes_up_no_room() -> None:
    there = [replace(each, lifecycle="Pending") if each.id == "i-0" else each for each in FLEET.instances]
    progress = at(Stage.READY).moved(["i-0", "i-1"], Stage.READY, 1.0).perhaps_out(["i-0"])
    assert "2 instances in flight" in flaw(PLAN, FLEET, progress, [Drain(("i-1",))])
    assert flaw(PLAN, Fleet(tuple(there)), progress, [Drain(("i-1",))]) == ""


def test_a_way_back_owes_a_proof_of_who_was_touched_and_of_nobody_else() -> None:
    back = turned_back(PLAN, 8)
    touched = absorb(PLAN, FLEET, Progress(), 0.0).moved(["i-0"], Stage.ACTIVATING, 1.0)
    assert "without a proof of i-0" in flaw(back, FLEET, touched, [Finish(Result.ROLLED_BACK)])
    proven = touched.heard("i-0", Marker("activated", "v1", 8, SHA)).moved(["i-0"], Stage.PROVEN, 2.0)
    assert flaw(back, FLEET, proven, [Finish(Result.ROLLED_BACK)]) == ""


def test_a_decision_with_a_flaw_gives_the_rollout_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployer.core.decide._next", lambda *_: (Promote(),))
    [action] = decide(PLAN, FLEET, at(Stage.DRAINING, "i-0"), 3.0)
    assert isinstance(action, TurnBack)
    assert action.reason.startswith(UNSAFE)
