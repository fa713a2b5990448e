"""How a run over several groups is told where not every one of them got there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from deployer.commands.ended import Ended, outcome_of
from deployer.commands.rolling import deployed_commit
from deployer.core.errors import BadInput, DeployError, Interrupted, LeaseHeld
from deployer.core.release import Git
from deployer.github.console import console_for
from deployer.github.run import RunContext
from deployer.inputs import RolloutInputs
from deployer.outcome import Outcome
from deployer.rollout.rollout import Rolled
from tests.unit.rolling import fleet_of, roll, wish

POLICY = RolloutInputs(app="orange", bucket="releases", auto_scaling_group=("web-a", "web-b", "web-c"), version="v2")


def rolled(group: str, healthy: bool = True) -> Rolled:
    world = fleet_of(2)
    if not healthy:
        world.broken = {"v2": {"*"}}
    return replace(roll(world, wish()), group=group)


def told(done: Sequence[Rolled], left: Sequence[str], stopped: DeployError | None = None) -> Outcome:
    return outcome_of(POLICY, Ended(done, left, stopped), console_for({}, machine_readable=False))


def test_a_group_refused_after_another_was_changed_is_no_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = told([rolled("web-a")], ["web-b", "web-c"], BadInput("web-b is frozen", "ask whoever froze it"))
    assert (outcome.exit_code, outcome.outputs["status"]) == (1, "failed")
    assert outcome.failure
    assert (outcome.failure.what, outcome.failure.fix) == ("web-b is frozen; not begun: web-c", "ask whoever froze it")
    for line in ("✅ web-a runs v2", "❌ web-b is frozen", "⏹️ web-c: not begun, for web-b did not get there"):
        assert f"### {line}\n" in outcome.summary
    assert "⏹️ web-c: not begun" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("stopped", "exit_code", "status"),
    [(LeaseHeld("somebody waits"), 5, "failed"), (Interrupted(15, "stopped while waiting"), 143, "interrupted")],
)
def test_why_the_run_stopped_is_told_with_the_group_it_is_about(
    stopped: DeployError, exit_code: int, status: str
) -> None:
    outcome = told([rolled("web-a")], ["web-b"], stopped)
    assert (outcome.exit_code, outcome.outputs["status"]) == (exit_code, status)
    assert outcome.failure
    assert outcome.failure.what == f"web-b: {stopped.what}"


def test_groups_behind_one_that_was_rolled_back_are_named() -> None:
    outcome = told([rolled("web-a"), rolled("web-b", healthy=False)], ["web-c"])
    assert (outcome.exit_code, outcome.outputs["status"]) == (3, "rolled-back")
    assert outcome.failure
    assert outcome.failure.what.endswith("; not begun: web-c")
    assert "### ⏹️ web-c: not begun, for web-b did not get there\n" in outcome.summary


def test_where_every_group_got_there_nothing_is_added() -> None:
    outcome = told([rolled("web-a"), rolled("web-b")], [])
    assert (outcome.exit_code, outcome.outputs["status"], outcome.failure) == (0, "succeeded", None)


def test_the_commit_that_is_deployed_is_the_releases_own_and_not_that_of_a_run_by_hand() -> None:
    run = RunContext(sha="newest", repository="acme/orange")
    assert deployed_commit(Git("older", "refs/heads/main", "acme/orange"), run) == "older"
    for elsewhere in (Git("older", "refs/heads/main", "acme/other"), Git()):
        assert deployed_commit(elsewhere, run) == "newest"
