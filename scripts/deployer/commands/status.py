"""`status`: what should run, and what every instance says it runs."""

from __future__ import annotations

from deployer.aws import reach
from deployer.commands.clock import RealClock
from deployer.commands.groups import Groups, check_place, open_groups
from deployer.core.fleet import Instance
from deployer.core.marker import Marker
from deployer.core.orders import Reply
from deployer.core.release import Desired
from deployer.github.console import Console
from deployer.inputs import StatusInputs
from deployer.outcome import Outcome
from deployer.rollout.asking import ask


def run(inputs: StatusInputs, console: Console) -> Outcome:
    """Says it instance by instance; exit code 0 whatever they run: this only tells."""
    check_place(inputs)
    groups = open_groups(inputs, console, reach.asking)
    told = {name: _status(name, groups, console) for name in inputs.auto_scaling_group}
    drifted = sum(bool(row["settled"]) and not row["right"] for each in told.values() for row in each)
    total = sum(len(each) for each in told.values())
    return Outcome(
        outputs={"status": "drifted" if drifted else "converged", "instances-total": total, "instances": told}
    )


def _status(name: str, groups: Groups, console: Console) -> list[dict[str, object]]:
    group, desired = groups.group(name), groups.desired(name)
    fleet = group.observe()
    replies = ask(groups.commands(name), RealClock(), [each.id for each in fleet.settled if each.online])
    wanted = f"{desired.version} (generation {desired.generation})" if desired else "nothing yet"
    console.say(f"{name}: desired release is {wanted}")
    rows = [_row(each, replies.get(each.id), desired) for each in fleet.instances]
    for row in rows:
        mark = "✓" if row["right"] else "✗"
        what = f"{row['instance']}  {row['lifecycle']}  {row['traffic']}  runs {row['runs'] or 'nothing'}"
        console.say(f"  {mark} {what}  {row['reason']}".rstrip())
    return rows


def _row(instance: Instance, reply: Reply | None, desired: Desired | None) -> dict[str, object]:
    marker = reply.marker if reply else None
    return {
        "instance": instance.id,
        "lifecycle": instance.lifecycle,
        "traffic": instance.traffic.value,
        "runs": marker.version if marker else "",
        "generation": marker.generation if marker else 0,
        "reason": marker.reason if marker else (reply.detail if reply else "it did not answer"),
        "settled": instance.settled,
        "right": marker is not None and _is_right(marker, desired),
    }


def _is_right(marker: Marker, desired: Desired | None) -> bool:
    """Runs what it should, and is healthy: a status marker gives a reason only where something is wrong."""
    if desired is None or not desired.version:
        return not marker.version
    return not marker.reason and (marker.version, marker.manifest_sha256) == (desired.version, desired.manifest_sha256)
