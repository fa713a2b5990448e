"""`rollout`: bring every instance of a group, and every one born later, to a published release."""

from __future__ import annotations

from deployer.aws import reach
from deployer.commands.groups import check_place, open_groups
from deployer.commands.rolling import Asked, check_health, limits_of, roll
from deployer.github.console import Console
from deployer.inputs import RolloutInputs
from deployer.outcome import Outcome
from deployer.rollout.lease import seconds_of


def run(inputs: RolloutInputs, console: Console) -> Outcome:
    """Rolls the release out group by group; the exit code says how the last one ended."""
    check_place(inputs)
    groups = open_groups(inputs, console, reach.rolling)
    release, ref = groups.unchanged_release(inputs.version, inputs.manifest_sha256, inputs.auto_scaling_group)
    check_health(release.version, release.health, limits_of(inputs))
    created_at = seconds_of(release.created_at, f"`created_at` of {release.version}")
    return roll(inputs, Asked(dict.fromkeys(inputs.auto_scaling_group, ref), as_of=created_at), groups, console)
