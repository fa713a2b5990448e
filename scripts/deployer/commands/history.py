"""`history`: the rollouts of a group, newest first, as their records tell them."""

from __future__ import annotations

import json
from typing import Any

from deployer.aws import reach
from deployer.commands.groups import Groups, check_place, open_groups
from deployer.core import keys
from deployer.github.console import Console
from deployer.inputs import StatusInputs
from deployer.outcome import Outcome

SHOWN = 20  # records of a group
_SAID = ("started_at", "from", "to", "result", "generation", "owner", "run_url")


def run(inputs: StatusInputs, console: Console) -> Outcome:
    """The last records of each group."""
    check_place(inputs)
    groups = open_groups(inputs, console, reach.looking)
    told = {name: _records(inputs.app, name, groups) for name in inputs.auto_scaling_group}
    for name, records in told.items():
        console.say(f"{name}: {len(records)} rollouts" if records else f"{name}: nothing was ever rolled out")
        for each in records:
            said = {field: each.get(field, "?") for field in _SAID}
            said["from"] = said["from"] or "nothing"
            console.say("  {started_at}  {from} → {to}  {result}".format_map(said))
            console.say("    generation {generation}, by {owner} {run_url}".format_map(said).rstrip())
    return Outcome(outputs={"history": told})


def _records(app: str, group: str, groups: Groups) -> list[dict[str, Any]]:
    newest = reversed(groups.store.list(keys.records(app, group))[-SHOWN:])
    found = (groups.store.get(key) for key in newest)
    return [_read(stored.body) for stored in found if stored]


def _read(body: bytes) -> dict[str, Any]:
    """A record as it is; one that is damaged is shown as nothing but that."""
    try:
        record = json.loads(body)
    except ValueError:
        record = None
    return record if isinstance(record, dict) else {"result": "damaged record"}
