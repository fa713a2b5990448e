"""`rollback`: bring a group back to the release before, or to the one named. It is a rollout like any other."""

from __future__ import annotations

from dataclasses import replace

from deployer.aws import reach
from deployer.commands.clock import RealClock
from deployer.commands.groups import Groups, check_place, check_unchanged, open_groups
from deployer.commands.rolling import Asked, Chosen, check_health, check_preview, limits_of, roll
from deployer.core.errors import BadInput
from deployer.core.release import ReleaseRef
from deployer.github.console import Console
from deployer.inputs import RollbackInputs
from deployer.outcome import Outcome
from deployer.rollout.lease import seconds_of
from deployer.rollout.record import last_record
from deployer.rollout.undo import each_undone, undone


def run(inputs: RollbackInputs, console: Console) -> Outcome:
    """Rolls each group to `version`, or to its own previous release; the exit code is that of a rollout.

    It is as new a wish as any can be, and comes to a frozen group as well: a freeze guards against new releases, not
    against getting well.
    """
    check_place(inputs)
    groups = open_groups(inputs, console, reach.rolling)
    chosen = _chosen(inputs, groups, console)
    asked = Asked(chosen, as_of=RealClock().now(), rollback=True)
    return roll(replace(inputs, auto_scaling_group=tuple(chosen)), asked, groups, console)


def _chosen(inputs: RollbackInputs, groups: Groups, console: Console) -> dict[str, Chosen]:
    """By group; raises BadInput where there is nothing to go back to, DeployError where it was tampered with."""
    if inputs.version:
        wanted = dict.fromkeys(inputs.auto_scaling_group, ReleaseRef(inputs.version, ""))
    else:
        wanted = each_undone(inputs.auto_scaling_group, lambda name: _before(inputs.app, name, groups), console.say)
    return {name: _release(inputs, ref, groups) for name, ref in wanted.items()}


def _release(inputs: RollbackInputs, wanted: ReleaseRef, groups: Groups) -> Chosen:
    release, ref = groups.release(wanted.version)
    check_health(release.version, release.health, limits_of(inputs))
    if inputs.version:  # what the group ran before it may run again
        check_preview(release.version, release.git.ref, inputs.allow_preview)
    check_unchanged(ref, wanted.manifest_sha256, "was rolled out")
    return Chosen(ref, release.git)


def _before(app: str, group: str, groups: Groups) -> ReleaseRef:
    """What a group ran before its last rollout."""
    groups.group(group)  # one that does not exist is told as such

    def made_at(version: str) -> float | None:
        try:
            created_at = groups.release(version)[0].created_at
        except BadInput:
            return None
        return seconds_of(created_at, f"`created_at` of {version}")

    return undone(group, groups.desired(group), last_record(groups.store, app, group), made_at)
