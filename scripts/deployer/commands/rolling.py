"""What `rollout` and `rollback` have in common: one group after the other, told to a person and to GitHub."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from deployer.commands.clock import RealClock
from deployer.commands.groups import Groups, owner_of
from deployer.core import keys
from deployer.core.actions import Result
from deployer.core.errors import (
    EXIT_COULD_NOT_RESTORE,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_ROLLED_BACK,
    BadInput,
    DeployError,
)
from deployer.core.plan import Limits
from deployer.core.progress import Stage
from deployer.core.release import ReleaseRef
from deployer.github.console import Console
from deployer.github.deployments import Deployments
from deployer.inputs import Policy, inputs_of
from deployer.outcome import Outcome
from deployer.rollout.rollout import Rolled, Wish, World, roll_out
from deployer.rollout.summary import headline, markdown

_EXIT = {
    Result.SUCCEEDED: EXIT_DONE,
    Result.FAILED: EXIT_FAILED,
    Result.ROLLED_BACK: EXIT_ROLLED_BACK,
    Result.COULD_NOT_RESTORE: EXIT_COULD_NOT_RESTORE,
}


def limits_of(policy: Policy) -> Limits:
    """The policy as the decision takes it; raises BadInput for a word it does not know."""
    if policy.drain not in ("auto", "never"):
        raise BadInput(f"drain is {policy.drain!r}", "write auto or never")
    return Limits(
        canary=policy.canary,
        canary_bake=policy.canary_bake,
        window=policy.max_unavailable,
        failures=policy.failure_limit,
        unreachable=policy.unreachable_limit,
        bake=policy.bake,
        instance_timeout=policy.instance_timeout,
        timeout=policy.timeout,
    )


def roll(policy: Policy, releases: Mapping[str, ReleaseRef], groups: Groups, console: Console) -> Outcome:
    """Brings each group to its release, in the order given; stops at the first that does not get there."""
    limits = limits_of(policy)
    clock = RealClock()
    worlds = {name: _world(policy, name, groups, clock, console) for name in policy.auto_scaling_group}
    done: list[Rolled] = []
    for name, world in worlds.items():
        wish = _wish(policy, limits, releases[name], console)
        with clock.watching_signals(), _deployment(policy, name, releases[name], console) as tell:
            rolled = roll_out(wish, world)
            tell(rolled)
        done.append(rolled)
        console.say(f"{headline(rolled, releases[name].version)} ({rolled.seconds:.1f} s)")
        if rolled.ending.result is not Result.SUCCEEDED:
            break
    return _outcome(policy, releases, done)


def _world(policy: Policy, name: str, groups: Groups, clock: RealClock, console: Console) -> World:
    """The ports of one group, known to be there before any group is changed."""
    group = groups.group(name, policy.alarms)
    commands = groups.commands(name)
    commands.check_there()
    return World(group, commands, groups.store, clock, console)


def _wish(policy: Policy, limits: Limits, release: ReleaseRef, console: Console) -> Wish:
    shown = {each.name: getattr(policy, each.name.replace("-", "_")) for each in inputs_of(Policy)}
    return Wish(
        app=policy.app,
        release=release,
        limits=limits,
        drain=policy.drain == "auto",
        auto_rollback=policy.auto_rollback,
        patience=policy.wait_for_lease,
        owner=owner_of(console.run),
        run_url=console.run.run_url,
        policy={name: str(shown[name]) for name in _RECORDED},
    )


_RECORDED = (
    "canary",
    "canary-bake",
    "max-unavailable",
    "failure-limit",
    "unreachable-limit",
    "bake",
    "drain",
    "instance-timeout",
    "timeout",
    "auto-rollback",
)


@contextmanager
def _deployment(
    policy: Policy, group: str, release: ReleaseRef, console: Console
) -> Iterator[Callable[[Rolled], None]]:
    """A GitHub Deployment around one group's rollout, told how it ended; nothing where none is wanted."""
    if not policy.github_deployment:
        yield lambda _rolled: None
        return
    deployments = Deployments(console, {**os.environ, "INPUT_GITHUB_TOKEN": policy.github_token})
    handle = deployments.start(policy.environment or group, console.run.sha, f"{policy.app} {release.version}")

    def tell(rolled: Rolled) -> None:
        succeeded = rolled.ending.result is Result.SUCCEEDED
        deployments.finish(handle, "success" if succeeded else "failure", headline(rolled, release.version))

    try:
        yield tell
    except DeployError as error:
        deployments.finish(handle, "error", error.what)
        raise


def _outcome(policy: Policy, releases: Mapping[str, ReleaseRef], done: list[Rolled]) -> Outcome:
    last = done[-1]
    version = releases[last.group].version
    steps = [step for rolled in done for step in rolled.ending.progress.steps.values() if step.stage is not Stage.GONE]
    proven = sum(step.stage is Stage.PROVEN and step.running == version for step in steps)
    interrupted = last.ending.result is Result.INTERRUPTED
    return Outcome(
        exit_code=128 + (last.signal or 0) if interrupted else _EXIT[last.ending.result],
        outputs={
            "version": version,
            "previous-version": last.previous_version,
            "generation": last.generation,
            "status": last.ending.result.value,
            "instances-total": len(steps),
            "instances-updated": proven,
            "report": f"s3://{policy.bucket}/{keys.record(policy.app, last.group, last.generation)}",
        },
        summary="\n".join(markdown(rolled, releases[rolled.group].version) for rolled in done),
        failure=_failure(last, version),
    )


def _failure(rolled: Rolled, version: str) -> DeployError | None:
    if rolled.ending.result is Result.SUCCEEDED:
        return None
    what = f"{headline(rolled, version)}: {rolled.ending.reason}".rstrip(": ")
    return DeployError(what, _ADVICE[rolled.ending.result])


_ADVICE = {
    Result.FAILED: "fix what the reason names and run again",
    Result.ROLLED_BACK: "the group serves the previous release; fix the new one and publish it as a new version",
    Result.COULD_NOT_RESTORE: "look at the instances named, then run again or roll back: `rollback` names a version",
    Result.INTERRUPTED: "instances may run either release; run again, or roll back, to bring them all to one",
}
