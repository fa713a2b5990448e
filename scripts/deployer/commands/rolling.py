"""What `rollout` and `rollback` have in common: one group after the other, told to a person and to GitHub."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

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
from deployer.core.release import Health, ReleaseRef
from deployer.core.version import is_preview
from deployer.github.console import Console
from deployer.github.deployments import Deployments
from deployer.inputs import Policy
from deployer.outcome import Outcome
from deployer.rollout.preflight import check_alarms, check_group, check_limits
from deployer.rollout.rollout import Rolled, Wish, World, roll_out
from deployer.rollout.summary import headline, markdown

_EXIT = {
    Result.SUCCEEDED: EXIT_DONE,
    Result.FAILED: EXIT_FAILED,
    Result.ROLLED_BACK: EXIT_ROLLED_BACK,
    Result.COULD_NOT_RESTORE: EXIT_COULD_NOT_RESTORE,
}


@dataclass(frozen=True)
class Asked:
    """The release each group is to run, and what becomes of that wish among others.

    `as_of`: how new it is, where two runs wait for a group (epoch seconds); `through_freeze`: frozen groups as well.
    """

    releases: Mapping[str, ReleaseRef]
    as_of: float
    through_freeze: bool = False


def limits_of(policy: Policy) -> Limits:
    """The policy as the decision takes it; raises BadInput for a word it does not know, or too many alarms."""
    if policy.drain not in ("auto", "never"):
        raise BadInput(f"drain is {policy.drain!r}", "write auto or never")
    check_alarms(policy.alarms)
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


def roll(policy: Policy, asked: Asked, groups: Groups, console: Console) -> Outcome:
    """Brings each group to its release, in the order given; stops at the first that does not get there.

    Raises DeployError for what is wrong before anything was changed, in any of the groups.
    """
    limits = limits_of(policy)
    check_limits(limits, policy.auto_rollback)
    clock = RealClock()
    worlds = {name: _world(policy, name, groups, clock, console) for name in policy.auto_scaling_group}
    for name, world in worlds.items():
        check_group(name, world.group.observe(), limits, asked.through_freeze)
    done: list[Rolled] = []
    with clock.watching_signals():
        for name, world in worlds.items():
            try:
                rolled = _roll_one(policy, world, _wish(policy, limits, asked, name, console), console)
            except DeployError as error:
                if not done:
                    raise
                return _outcome(policy, done, stopped=error)
            done.append(rolled)
            console.say(f"{headline(rolled)} ({rolled.seconds:.1f} s)")
            if rolled.ending.result is not Result.SUCCEEDED:
                break
    return _outcome(policy, done)


def check_health(version: str, health: Health, limits: Limits) -> None:
    """Raises BadInput for a release that could never become healthy under these limits."""
    if health.timeout >= limits.instance_timeout:
        raise BadInput(
            f"{version} has {health.timeout} s to become healthy (its health-timeout),"
            f" and instance-timeout is {limits.instance_timeout} s",
            "give a longer instance-timeout: fetching, draining and putting back take time too",
        )


def check_preview(version: str, ref: str, allowed: bool) -> None:
    """Raises BadInput for what was made from a pull request, unless somebody asked for it by name."""
    if is_preview(version, ref) and not allowed:
        raise BadInput(
            f"{version} is a preview: it was made from a pull request ({ref or 'its name says so'}), not from a branch",
            "merge the pull request, and roll out what is made of it; a group for trying things out takes it with "
            "allow-preview: true",
        )


def _roll_one(policy: Policy, world: World, wish: Wish, console: Console) -> Rolled:
    with _deployment(policy, world.group.name, wish.release, console) as tell:
        rolled = roll_out(wish, world)
        tell(rolled)
    return rolled


def _world(policy: Policy, name: str, groups: Groups, clock: RealClock, console: Console) -> World:
    """The ports of one group, known to be there before any group is changed."""
    group = groups.group(name, policy.alarms)
    commands = groups.commands(name)
    commands.check_there()
    return World(group, commands, groups.store, clock, console)


def _wish(policy: Policy, limits: Limits, asked: Asked, group: str, console: Console) -> Wish:
    written = {name: _plain(getattr(policy, name.replace("-", "_"))) for name in _RECORDED}
    return Wish(
        app=policy.app,
        release=asked.releases[group],
        limits=limits,
        drain=policy.drain == "auto",
        auto_rollback=policy.auto_rollback,
        patience=policy.wait_for_lease,
        owner=owner_of(console.run),
        run_url=console.run.run_url,
        policy=written,
        through_freeze=asked.through_freeze,
        as_of=asked.as_of,
    )


def _plain(value: object) -> object:
    """A value of the policy as JSON has it: numbers (durations in seconds), switches, lists, `33%`."""
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, (bool, int)) else str(value)


_RECORDED = (
    "canary",
    "canary-bake",
    "max-unavailable",
    "failure-limit",
    "unreachable-limit",
    "bake",
    "alarms",
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
        deployments.finish(handle, "success" if succeeded else "failure", headline(rolled))

    try:
        yield tell
    except DeployError as error:
        deployments.finish(handle, "error", error.what)
        raise


def _outcome(policy: Policy, done: list[Rolled], stopped: DeployError | None = None) -> Outcome:
    """What the groups came to; `stopped`: why the group after the last of them was not even begun, or cut short."""
    last = done[-1]
    interrupted = last.ending.result is Result.INTERRUPTED
    exit_code = 128 + (last.signal or 0) if interrupted else _EXIT[last.ending.result]
    steps = [(rolled, step) for rolled in done for step in rolled.ending.progress.steps.values()]
    there = [(rolled, step) for rolled, step in steps if step.stage is not Stage.GONE]
    updated = [step for rolled, step in there if step.stage is Stage.PROVEN and step.running == rolled.version]
    return Outcome(
        exit_code=stopped.exit_code if stopped else exit_code,
        outputs={
            "version": last.version,
            "previous-version": last.previous_version,
            "generation": last.ending.plan.target.generation,
            "status": last.ending.result.value,
            "instances-total": len(there),
            "instances-updated": len(updated),
            "report": f"s3://{policy.bucket}/{keys.record(policy.app, last.group, last.generation)}",
        },
        summary="\n".join(markdown(rolled) for rolled in done),
        failure=stopped or _failure(last),
    )


def _failure(rolled: Rolled) -> DeployError | None:
    if rolled.ending.result is Result.SUCCEEDED:
        return None
    what = f"{headline(rolled)}: {rolled.ending.reason}".rstrip(": ")
    return DeployError(what, _ADVICE[rolled.ending.result])


_ADVICE = {
    Result.FAILED: "fix what the reason names and run again",
    Result.ROLLED_BACK: "the group serves the previous release; fix the new one and publish it as a new version",
    Result.COULD_NOT_RESTORE: "look at the instances named, then run again or roll back: `rollback` names a version",
    Result.INTERRUPTED: "instances may run either release; run again, or roll back, to bring them all to one",
}
