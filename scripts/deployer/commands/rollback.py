"""`rollback`: bring a group back to the release before, or to the one named. It is a rollout like any other."""

from __future__ import annotations

from deployer.aws.session import open_session
from deployer.commands.groups import Groups, check_place
from deployer.commands.rolling import roll
from deployer.core.errors import BadInput
from deployer.core.release import ReleaseRef
from deployer.github.console import Console
from deployer.inputs import RollbackInputs
from deployer.outcome import Outcome


def run(inputs: RollbackInputs, console: Console) -> Outcome:
    """Rolls each group to `version`, or to its own previous release; the exit code is that of a rollout."""
    check_place(inputs)
    groups = Groups(open_session(inputs, console), inputs, inputs.document)
    releases = {name: _release(inputs, name, groups) for name in inputs.auto_scaling_group}
    return roll(inputs, releases, groups, console)


def _release(inputs: RollbackInputs, group: str, groups: Groups) -> ReleaseRef:
    if inputs.version:
        return groups.release(inputs.version)[1]
    groups.group(group)
    desired = groups.desired(group)
    if desired is None or desired.previous is None:
        raise BadInput(
            f"{group} has no previous release to go back to",
            "name one with `version`; `history` lists what was rolled out",
        )
    return groups.release(desired.previous.version)[1]
