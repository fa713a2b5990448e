"""`rollback`: bring a group back to the release before, or to the one named. It is a rollout like any other."""

from __future__ import annotations

from deployer.aws import reach
from deployer.commands.clock import RealClock
from deployer.commands.groups import Groups, check_place, check_unchanged, open_groups
from deployer.commands.rolling import Asked, check_health, check_preview, limits_of, roll
from deployer.core.errors import BadInput
from deployer.core.release import ReleaseRef
from deployer.github.console import Console
from deployer.inputs import RollbackInputs
from deployer.outcome import Outcome
from deployer.rollout.record import last_record


def run(inputs: RollbackInputs, console: Console) -> Outcome:
    """Rolls each group to `version`, or to its own previous release; the exit code is that of a rollout.

    It is as new a wish as any can be, and comes to a frozen group as well: a freeze guards against new releases, not
    against getting well.
    """
    check_place(inputs)
    groups = open_groups(inputs, console, reach.rolling)
    releases = {name: _release(inputs, name, groups) for name in inputs.auto_scaling_group}
    return roll(inputs, Asked(releases, as_of=RealClock().now(), through_freeze=True), groups, console)


def _release(inputs: RollbackInputs, group: str, groups: Groups) -> ReleaseRef:
    """The release to go back to; raises BadInput where there is none, DeployError where it was tampered with."""
    wanted = ReleaseRef(inputs.version, "") if inputs.version else _before(inputs.app, group, groups)
    release, ref = groups.release(wanted.version)
    check_health(release.version, release.health, limits_of(inputs))
    if inputs.version:  # what the group ran before it may run again
        check_preview(release.version, release.git.ref, inputs.allow_preview)
    check_unchanged(ref, wanted.manifest_sha256, "was rolled out")
    return ref


def _before(app: str, group: str, groups: Groups) -> ReleaseRef:
    """What a group ran before: its previous release, or the desired one while a rollout of another lies half-done."""
    groups.group(group)
    desired, last = groups.desired(group), last_record(groups.store, app, group)
    if desired and desired.version and last and last.crashed and last.target != desired.version:
        return desired.release
    if desired is None or desired.previous is None:
        raise BadInput(
            f"{group} has no previous release to go back to",
            "name one with `version`; `history` lists what was rolled out",
        )
    return desired.previous
