"""`status`: what should run, and what every instance says it runs."""

from __future__ import annotations

from deployer.aws import reach
from deployer.commands.asked import Row, astray, rows
from deployer.commands.groups import Groups, check_place, open_groups
from deployer.github.console import Console
from deployer.inputs import StatusInputs
from deployer.outcome import Outcome


def run(inputs: StatusInputs, console: Console) -> Outcome:
    """Says it instance by instance; exit code 0 whatever they run: this only tells."""
    check_place(inputs)
    groups = open_groups(inputs, console, reach.asking)
    told = {name: _status(name, groups, console) for name in inputs.auto_scaling_group}
    drifted = any(astray(each) for each in told.values())
    total = sum(len(each) for each in told.values())
    return Outcome(
        outputs={"status": "drifted" if drifted else "converged", "instances-total": total, "instances": told}
    )


def _status(name: str, groups: Groups, console: Console) -> list[Row]:
    group, desired = groups.group(name), groups.desired(name)
    found = rows(name, groups, group.observe(), desired)
    wanted = f"{desired.version} (generation {desired.generation})" if desired else "nothing yet"
    console.say(f"{name}: desired release is {wanted}")
    for row in found:
        mark = "✓" if row["right"] else "✗"
        what = f"{row['instance']}  {row['lifecycle']}  {row['traffic']}  runs {row['runs'] or 'nothing'}"
        console.say(f"  {mark} {what}  {row['reason']}".rstrip())
    return found
