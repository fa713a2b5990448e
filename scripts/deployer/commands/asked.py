"""What the instances of a group say they run, beside what they should run."""

from __future__ import annotations

from contextlib import suppress

from deployer.commands.clock import RealClock
from deployer.commands.groups import Groups
from deployer.core.errors import BadInput
from deployer.core.fleet import Fleet, Instance
from deployer.core.marker import Marker
from deployer.core.orders import Reply
from deployer.core.release import Desired
from deployer.rollout.asking import ask

Row = dict[str, object]


def rows(name: str, groups: Groups, fleet: Fleet, desired: Desired | None) -> list[Row]:
    """One for each instance of the group `name`. Raises Refused."""
    ids = [each.id for each in fleet.settled if each.online]
    replies = ask(groups.commands(name), RealClock(), ids, _parameters(groups, desired))
    return [_row(each, replies.get(each.id), desired) for each in fleet.instances]


def astray(found: list[Row]) -> list[Row]:
    """The instances that could run what they should, and do not, or do not say so."""
    return [row for row in found if row["settled"] and not row["right"]]


def _parameters(groups: Groups, desired: Desired | None) -> str:
    """Named, they make an instance tell whether it has the newest ones; a document of an older kind cannot ask."""
    if desired is None or not desired.version or not groups.document_takes("Parameters"):
        return ""
    with suppress(BadInput):  # its manifest is gone, and with it what to compare
        return groups.release(desired.version)[0].environment.parameters
    return ""


def _row(instance: Instance, reply: Reply | None, desired: Desired | None) -> Row:
    marker = reply.marker if reply else None
    return {
        "instance": instance.id,
        "lifecycle": instance.lifecycle,
        "traffic": instance.traffic.value,
        "runs": marker.version if marker else "",
        "generation": marker.generation if marker else 0,
        "parameters": marker.parameters if marker else "",
        "reason": marker.reason if marker else (reply.detail if reply else "it did not answer"),
        "settled": instance.settled,
        "right": marker is not None and _is_right(marker, desired),
    }


def _is_right(marker: Marker, desired: Desired | None) -> bool:
    """Runs what it should, and is healthy: a status marker gives a reason only where something is wrong."""
    if desired is None or not desired.version:
        return not marker.version
    return not marker.reason and (marker.version, marker.manifest_sha256) == (desired.version, desired.manifest_sha256)
