"""What `rollout` and `rollback` have in common: one group after the other, told to a person and to GitHub."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from deployer.commands.clock import RealClock
from deployer.commands.ended import Ended, outcome_of
from deployer.commands.groups import Groups, owner_of
from deployer.core.actions import Result
from deployer.core.errors import BadInput, DeployError
from deployer.core.plan import Limits
from deployer.core.release import Git, Health, ReleaseRef
from deployer.core.version import is_preview
from deployer.github.console import Console
from deployer.github.deployments import Deployments
from deployer.github.run import RunContext
from deployer.inputs import Policy
from deployer.outcome import Outcome
from deployer.rollout.preflight import check_alarms, check_group, check_limits
from deployer.rollout.record import last_record
from deployer.rollout.rollout import Rolled, Wish, World, roll_out
from deployer.rollout.summary import headline


@dataclass(frozen=True)
class Chosen:
    """The release a group is to run, and the commit it was made from."""

    release: ReleaseRef
    git: Git


@dataclass(frozen=True)
class Asked:
    """The release each group is to run, and what becomes of that wish among others.

    `as_of`: how new it is, where two runs wait for a group (epoch seconds); `rollback`: an earlier one is wanted back.
    """

    releases: Mapping[str, Chosen]
    as_of: float
    rollback: bool = False


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
        last = last_record(groups.store, policy.app, name)
        check_group(name, world.group.observe(), limits, asked.rollback, last is not None and last.crashed)
    with clock.watching_signals():
        ended = _one_by_one(policy, limits, asked, worlds, console)
    return outcome_of(policy, ended, console)


def _one_by_one(policy: Policy, limits: Limits, asked: Asked, worlds: Mapping[str, World], console: Console) -> Ended:
    """Raises DeployError where the first group is not even begun, or is cut short."""
    names, done = tuple(worlds), list[Rolled]()
    for name, world in worlds.items():
        wish = _wish(policy, limits, asked, name, console)
        try:
            rolled = _roll_one(policy, world, wish, asked.releases[name].git, console)
        except DeployError as error:
            if not done:
                raise
            return Ended(done, names[len(done) :], error)
        done.append(rolled)
        console.say(f"{headline(rolled)} ({rolled.seconds:.1f} s)")
        if rolled.ending.result is not Result.SUCCEEDED:
            break
    return Ended(done, names[len(done) :])


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


def deployed_commit(git: Git, run: RunContext) -> str:
    """What GitHub is told is deployed: the release's own commit, where it is one of the job's repository.

    The run's is another where somebody starts it by hand, to roll back above all: the newest of its branch.
    """
    return git.sha if git.sha and git.repository == run.repository else run.sha


def _roll_one(policy: Policy, world: World, wish: Wish, git: Git, console: Console) -> Rolled:
    with _deployment(policy, world.group.name, wish.release, git, console) as tell:
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
        release=asked.releases[group].release,
        limits=limits,
        drain=policy.drain == "auto",
        auto_rollback=policy.auto_rollback,
        patience=policy.wait_for_lease,
        owner=owner_of(console.run),
        run_url=console.run.run_url,
        policy=written,
        rollback=asked.rollback,
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
    policy: Policy, group: str, release: ReleaseRef, git: Git, console: Console
) -> Iterator[Callable[[Rolled], None]]:
    """A GitHub Deployment around one group's rollout, told how it ended; nothing where none is wanted."""
    if not policy.github_deployment:
        yield lambda _rolled: None
        return
    deployments = Deployments(console, {**os.environ, "INPUT_GITHUB_TOKEN": policy.github_token})
    commit = deployed_commit(git, console.run)
    handle = deployments.start(policy.environment or group, commit, f"{policy.app} {release.version}")

    def tell(rolled: Rolled) -> None:
        succeeded = rolled.ending.result is Result.SUCCEEDED
        deployments.finish(handle, "success" if succeeded else "failure", headline(rolled))

    try:
        yield tell
    except DeployError as error:
        deployments.finish(handle, "error", error.what)
        raise
