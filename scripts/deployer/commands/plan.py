"""`plan`: what a rollout would do, changing nothing: no lease, no command sent, no object written."""

from __future__ import annotations

from deployer.aws.session import open_session
from deployer.commands.groups import Groups, check_place
from deployer.commands.rolling import limits_of
from deployer.core.errors import EXIT_CHANGES, EXIT_DONE
from deployer.core.plan import Limits, forward_window
from deployer.core.release import ReleaseRef
from deployer.github.console import Console
from deployer.inputs import RolloutInputs
from deployer.outcome import Outcome
from deployer.rollout.preflight import check_group, check_limits
from deployer.rollout.record import last_record


def run(inputs: RolloutInputs, console: Console) -> Outcome:
    """Exit code 0: every group is at the release already; 10: a rollout would change something."""
    check_place(inputs)
    limits = limits_of(inputs)
    check_limits(limits, inputs.auto_rollback)
    groups = Groups(open_session(inputs, console), inputs, inputs.document)
    _, release = groups.release(inputs.version)
    changes = [name for name in inputs.auto_scaling_group if _changes(name, release, limits, inputs, groups, console)]
    return Outcome(
        exit_code=EXIT_CHANGES if changes else EXIT_DONE,
        outputs={"version": inputs.version, "status": "changes" if changes else "unchanged"},
    )


def _changes(
    name: str, release: ReleaseRef, limits: Limits, inputs: RolloutInputs, groups: Groups, console: Console
) -> bool:
    groups.commands(name).check_there()
    fleet = groups.group(name, inputs.alarms).observe()
    check_group(name, fleet, limits)
    desired = groups.desired(name)
    last = last_record(groups.store, inputs.app, name)
    if desired is not None and desired.release == release and not (last and last.crashed):
        console.say(f"{name}: {release.version} is desired already; a rollout would prove every instance again")
        return False
    size = len(fleet.settled)
    source = desired.version if desired and desired.version else "nothing"
    console.say(f"{name}: {source} → {release.version} on {size} instances")
    with console.group(f"{name}: order of the rollout"):
        console.say(f"  first, alone: {limits.canary} (canary), watched for {limits.canary_bake} s")
        console.say(f"  then: at most {forward_window(limits, size)} unavailable at once")
        for each in sorted(fleet.settled, key=lambda instance: instance.serving):
            console.say(f"  {each.id}  {each.lifecycle}  traffic {each.traffic.value}")
    return True
