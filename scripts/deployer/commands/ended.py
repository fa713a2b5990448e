"""How a run over several groups ended: exit code, outputs, summary, and what to tell a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployer.core import keys
from deployer.core.actions import Result
from deployer.core.errors import (
    EXIT_BAD_INPUT,
    EXIT_COULD_NOT_RESTORE,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_ROLLED_BACK,
    DeployError,
    Interrupted,
)
from deployer.core.progress import Stage
from deployer.github.console import Console
from deployer.inputs import Policy
from deployer.outcome import Outcome
from deployer.rollout.rollout import Rolled
from deployer.rollout.summary import headline, markdown

_EXIT = {
    Result.SUCCEEDED: EXIT_DONE,
    Result.FAILED: EXIT_FAILED,
    Result.ROLLED_BACK: EXIT_ROLLED_BACK,
    Result.COULD_NOT_RESTORE: EXIT_COULD_NOT_RESTORE,
}
_ADVICE = {
    Result.FAILED: "fix what the reason names and run again",
    Result.ROLLED_BACK: "the group serves the previous release; fix the new one and publish it as a new version",
    Result.COULD_NOT_RESTORE: "look at the instances named, then run again or roll back: `rollback` names a version",
    Result.INTERRUPTED: "instances may run either release; run again, or roll back, to bring them all to one",
}


@dataclass(frozen=True)
class Ended:
    """The groups that were rolled, one at least, and those that were not, in order.

    `stopped`: why the first of those was not begun, or was cut short; None where the last one rolled did not get there.
    """

    done: Sequence[Rolled]
    left: Sequence[str]
    stopped: DeployError | None = None

    @property
    def last(self) -> Rolled:
        return self.done[-1]

    @property
    def exit_code(self) -> int:
        """Never that of bad input: groups were changed."""
        if self.stopped:
            return EXIT_FAILED if self.stopped.exit_code == EXIT_BAD_INPUT else self.stopped.exit_code
        if self.last.ending.result is Result.INTERRUPTED:
            return 128 + (self.last.signal or 0)
        return _EXIT[self.last.ending.result]

    @property
    def status(self) -> Result:
        if self.stopped:
            return Result.INTERRUPTED if isinstance(self.stopped, Interrupted) else Result.FAILED
        return self.last.ending.result

    @property
    def not_done(self) -> list[str]:
        """A line for each group that was not rolled, and why."""
        before = self.left[0] if self.stopped else self.last.group
        first = [f"❌ {_named(before, self.stopped)}"] if self.stopped else []
        return [*first, *(f"⏹️ {each}: not begun, for {before} did not get there" for each in self.left[len(first) :])]

    @property
    def failure(self) -> DeployError | None:
        """What to tell a person, and what to do next; None where every group got there."""
        if self.stopped:
            what, fix = _named(self.left[0], self.stopped), self.stopped.fix
        elif self.last.ending.result is not Result.SUCCEEDED:
            what = f"{headline(self.last)}: {self.last.ending.reason}".rstrip(": ")
            fix = _ADVICE[self.last.ending.result]
        else:
            return None
        not_begun = self.left[1:] if self.stopped else self.left
        return DeployError(f"{what}; not begun: {', '.join(not_begun)}" if not_begun else what, fix)


def _named(group: str, error: DeployError) -> str:
    return error.what if group in error.what else f"{group}: {error.what}"


def outcome_of(policy: Policy, ended: Ended, console: Console) -> Outcome:
    """What the groups came to; the outputs are those of the last one that was rolled."""
    for line in ended.not_done:
        console.say(line)
    last = ended.last
    told = [*(markdown(rolled) for rolled in ended.done), *(f"### {line}\n" for line in ended.not_done)]
    steps = [(rolled, step) for rolled in ended.done for step in rolled.ending.progress.steps.values()]
    there = [(rolled, step) for rolled, step in steps if step.stage is not Stage.GONE]
    updated = [step for rolled, step in there if step.stage is Stage.PROVEN and step.running == rolled.version]
    return Outcome(
        exit_code=ended.exit_code,
        outputs={
            "version": last.version,
            "previous-version": last.previous_version,
            "generation": last.ending.plan.target.generation,
            "status": ended.status.value,
            "instances-total": len(there),
            "instances-updated": len(updated),
            "report": f"s3://{policy.bucket}/{keys.record(policy.app, last.group, last.generation)}",
        },
        summary="\n".join(told),
        failure=ended.failure,
    )
