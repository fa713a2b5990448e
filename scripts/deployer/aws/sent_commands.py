"""Commands of ours that SSM knows: found again by the order they carry, or asked how far they are.

SendCommand takes no client token, so a send whose answer got lost cannot simply be repeated: the order's id stands in
the command's comment, and the list of commands says whether it is on its way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from deployer.aws.invocations import RUNNING
from deployer.aws.refusals import calling
from deployer.core.orders import Order

LONGEST_COMMENT = 100  # characters (SendCommand)
MARGIN = timedelta(seconds=60)  # between our clock and AWS's


@dataclass(frozen=True)
class Doubt:
    """A send that got no answer: the order, whom it was for, when it was sent and given up (epoch seconds).

    `open`: those of them whom nobody has asked about since.
    """

    order: Order
    ids: tuple[str, ...]
    sent_at: float
    given_up_at: float
    open: frozenset[str]

    @property
    def earliest(self) -> datetime:
        """The moment before which AWS cannot have taken the command on, whatever the clocks say."""
        return datetime.fromtimestamp(self.sent_at, timezone.utc) - MARGIN

    def same_as(self, order: Order, ids: Collection[str]) -> bool:
        """True if sending `order` to these instances might send it twice to one of them."""
        return (self.order.subcommand, self.order.target) == (order.subcommand, order.target) and any(
            each in ids for each in self.open
        )


class SentCommands:
    """The commands of one document; `ssm` is boto3's client, `place` the parameters that name app, bucket and group."""

    def __init__(self, ssm: Any, document: str, place: Mapping[str, list[str]]) -> None:
        self._ssm, self._document, self._place = ssm, document, place

    def find(self, doubt: Doubt) -> str | None:
        """The id of the command that a doubtful send became; None where SSM shows none (lists lag by about 1 s)."""
        for each in self._since(doubt.earliest):
            if each.get("Comment") == comment_of(doubt.order) and self._is_ours(each, doubt):
                return str(each["CommandId"])
        return None

    def stirring(self, heard: Mapping[str, int], since: datetime) -> tuple[str, ...]:
        """Those of these commands (id → at how many instances they are known to have ended) that have more to tell.

        `since`: when the oldest of them was requested.
        """
        found: list[str] = []
        unseen = set(heard)
        for each in self._since(since - timedelta(seconds=1)):
            command_id = str(each["CommandId"])
            if command_id in unseen:
                unseen.discard(command_id)
                over = each["StatusDetails"] not in RUNNING
                if over or int(each["CompletedCount"]) > heard[command_id]:
                    found.append(command_id)
            if not unseen:
                break
        return tuple(found)

    def _since(self, moment: datetime) -> Iterator[Mapping[str, Any]]:
        """Commands of this document, newest first; ListCommands compares in whole seconds."""
        filters = [
            {"key": "InvokedAfter", "value": moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")},
            {"key": "DocumentName", "value": self._document},
        ]
        with calling("ssm:ListCommands"):
            for page in self._ssm.get_paginator("list_commands").paginate(Filters=filters):
                yield from page["Commands"]

    def _is_ours(self, command: Mapping[str, Any], doubt: Doubt) -> bool:
        given = command.get("Parameters", {})
        same_place = all(given.get(name) == value for name, value in self._place.items())
        return same_place and set(command.get("InstanceIds", ())) == set(doubt.ids)


def comment_of(order: Order) -> str:
    """What stands in the list of commands: the order's id first, for it must not be cut off."""
    return f"{order.id} {order.subcommand} {order.target.version}".rstrip()[:LONGEST_COMMENT]
