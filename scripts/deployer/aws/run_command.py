"""SSM Run Command: orders out, replies back, each instance told once.

A look costs one list of the one command that is open; where several are, ListCommands first says at which of them
anything ended, and only those are listed. Rejected: GetCommandInvocation for each instance, a call each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from deployer.aws import documents
from deployer.aws.invocations import reply_of
from deployer.aws.refusals import calling
from deployer.aws.sent_commands import Doubt, SentCommands, comment_of
from deployer.core.errors import Refused, Unanswered
from deployer.core.orders import Delivery, Order, Reply, Sent

MOST_INSTANCES = 50  # SendCommand: at most 50 instance ids a call
SHORTEST_RUN = 5  # seconds; the agent takes anything out of its range for an hour
DELIVERY = 60  # seconds a command may take to reach the agent (SendCommand: at least 30)
VISIBLE_WITHIN = 5  # seconds until a command that was sent must show in lists; they lag by about one


@dataclass
class _Open:
    """A command under way: when AWS took it on, and the instances it has been heard of from."""

    requested_at: datetime
    heard: set[str] = field(default_factory=set)


class RunCommand:
    """A rollout.ports.Commands; `ssm` is boto3's client, `document` the SSM document the instances run.

    `sender` is a client that never repeats a call by itself (`ssm` if not given): whether to send again is decided
    here. `unreached` is told of every instance an order could not reach. `now`: seconds since the epoch.
    """

    def __init__(
        self,
        ssm: Any,
        document: str,
        app: str,
        bucket: str,
        group: str,
        *,
        sender: Any = None,
        now: Callable[[], float] = time.time,
        unreached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._ssm, self._sender, self._document = ssm, sender or ssm, document
        self._place = {"App": [app], "Bucket": [bucket], "Group": [group]}
        self._sent_commands = SentCommands(ssm, document, self._place)
        self._now, self._unreached = now, unreached
        self._open: dict[str, _Open] = {}
        self._doubts: list[Doubt] = []

    def check_there(self) -> None:
        """Raises BadInput where the document does not exist."""
        documents.describe(self._ssm, self._document)

    def send(self, ids: Iterable[str], order: Order) -> Iterator[Sent]:
        """Sends an order, at most 50 instances at a time; who SSM does not know is answered for as unreachable.

        An order whose sending got no answer is looked up before it is sent again; raises Unanswered until it is known.
        """
        wanted = tuple(ids)
        for doubt in [each for each in self._doubts if each.same_as(order, wanted)]:
            asked = tuple(each for each in wanted if each in doubt.open)
            found = self._settled(doubt, asked)
            if found:
                yield Sent({found: asked})
                wanted = tuple(each for each in wanted if each not in asked)
        for start in range(0, len(wanted), MOST_INSTANCES):
            yield from self._send(wanted[start : start + MOST_INSTANCES], order)

    def replies(self, command_ids: Collection[str]) -> Iterator[tuple[str, tuple[Reply, ...]]]:
        """What came back of these commands since the last call, command by command; what was yielded is not repeated.

        Nothing as long as SSM shows nothing. Raises Refused.
        """
        for each in self._stirring(command_ids):
            yield each, self._replies(each)

    def cancel(self, command_id: str) -> None:
        """Asks for a command to be given up; there is no guarantee that it stopped (SSM)."""
        with calling("ssm:CancelCommand"):
            self._ssm.cancel_command(CommandId=command_id)

    def _send(self, ids: tuple[str, ...], order: Order) -> Iterator[Sent]:
        """One command; where SSM does not know one id it refuses all of them, so each half is tried by itself then."""
        command_id = self._command(ids, order)
        if command_id:
            yield Sent({command_id: ids})
        elif len(ids) == 1:
            self._unreached(ids[0])
            yield Sent({}, (Reply(ids[0], Delivery.UNREACHABLE, detail="SSM does not know this instance"),))
        else:
            middle = len(ids) // 2
            yield from self._send(ids[:middle], order)
            yield from self._send(ids[middle:], order)

    def _command(self, ids: tuple[str, ...], order: Order) -> str | None:
        """The id of the command the order became; None where SSM does not know one of the instances."""
        sent_at = self._now()
        try:
            with calling(f"ssm:SendCommand of {self._document}"):
                command = self._sender.send_command(**self._request(ids, order))["Command"]
        except Unanswered:
            self._doubts.append(Doubt(order, ids, sent_at, self._now(), open=frozenset(ids)))
            raise
        except Refused as refused:
            if isinstance(refused.__cause__, self._sender.exceptions.InvalidInstanceId):
                return None
            raise
        command_id = str(command["CommandId"])
        self._open[command_id] = _Open(command["RequestedDateTime"])
        return command_id

    def _request(self, ids: tuple[str, ...], order: Order) -> dict[str, object]:
        """MaxErrors: an instance that fails must not keep the order from the others, as SSM's default of 0 would."""
        target = order.target
        return {
            "DocumentName": self._document,
            "InstanceIds": list(ids),
            "Comment": comment_of(order),
            "TimeoutSeconds": DELIVERY,
            "MaxConcurrency": str(MOST_INSTANCES),
            "MaxErrors": "100%",
            "Parameters": {
                **self._place,
                "Subcommand": [order.subcommand],
                "Version": [target.version],
                "ManifestSha256": [target.manifest_sha256],
                "Generation": [str(target.generation)],
                "Timeout": [str(max(order.timeout, SHORTEST_RUN))],
                **({"Parameters": [order.parameters]} if order.parameters else {}),
            },
        }

    def _settled(self, doubt: Doubt, asked: tuple[str, ...]) -> str | None:
        """The command a doubtful send became, or None if it became none; raises Unanswered while that is not known.

        It is remembered until everyone it was for has been asked about: the next order may be for some of them only.
        """
        found = self._sent_commands.find(doubt)
        if found is None and self._now() - doubt.given_up_at < VISIBLE_WITHIN:
            raise Unanswered(
                f"ssm:SendCommand of {self._document} got no answer, and no list shows yet whether it was carried out",
                "it is looked up again before anything is sent",
            )
        self._doubts.remove(doubt)
        if found:
            self._open[found] = _Open(doubt.earliest)  # who has answered already was not listened to yet
            if left := doubt.open.difference(asked):
                self._doubts.append(replace(doubt, open=left))
        return found

    def _stirring(self, command_ids: Collection[str]) -> Collection[str]:
        """The commands worth a look."""
        if len(command_ids) < 2:
            return command_ids
        heard = {each: len(self._open[each].heard) for each in command_ids}
        return self._sent_commands.stirring(heard, min(self._open[each].requested_at for each in command_ids))

    def _replies(self, command_id: str) -> tuple[Reply, ...]:
        """The replies of one command not given before."""
        heard = self._open[command_id].heard
        with calling("ssm:ListCommandInvocations"):
            pages = self._ssm.get_paginator("list_command_invocations").paginate(CommandId=command_id, Details=True)
            new = [each for page in pages for each in page["CommandInvocations"] if each["InstanceId"] not in heard]
        found = [reply_of(each, partial(self._full_output, command_id)) for each in new]
        replies = tuple(each for each in found if each)
        for each in replies:
            heard.add(each.instance_id)
            if each.delivery in (Delivery.UNREACHABLE, Delivery.UNHEARD):
                self._unreached(each.instance_id)
        return replies

    def _full_output(self, command_id: str, instance_id: str) -> str:
        """The 24,000 characters SSM keeps of one invocation; the list shows only 2,500."""
        with calling("ssm:GetCommandInvocation"):
            full = self._ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
        return str(full.get("StandardOutputContent", ""))
