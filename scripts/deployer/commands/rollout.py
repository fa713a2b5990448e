"""`rollout`: bring every instance of a group, and every one born later, to a published release."""

from __future__ import annotations

from dataclasses import replace

from deployer.aws import reach
from deployer.commands.announcement import announcement
from deployer.commands.groups import Groups, check_place, open_groups
from deployer.commands.rolling import Asked, Chosen, check_health, check_preview, limits_of, roll
from deployer.core.errors import EXIT_DONE
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
    check_preview(release.version, release.git.ref, inputs.allow_preview)
    announced = announcement(inputs, release.version, release.git, console)
    before = ""
    if announced:
        announced.check()
        before = _version_before(inputs, groups)
    created_at = seconds_of(release.created_at, f"`created_at` of {release.version}")
    chosen = dict.fromkeys(inputs.auto_scaling_group, Chosen(ref, release.git))
    outcome = roll(inputs, Asked(chosen, as_of=created_at), groups, console)
    url = announced.make(before, console) if announced and outcome.exit_code == EXIT_DONE else ""
    return replace(outcome, outputs={**outcome.outputs, "release-url": url})


def _version_before(inputs: RolloutInputs, groups: Groups) -> str:
    """What the last group runs, or ran before a rollout of this very version; "" for its first release."""
    desired = groups.desired(inputs.auto_scaling_group[-1])
    if desired is None or desired.version != inputs.version:
        return desired.version if desired else ""
    return desired.previous.version if desired.previous else ""
