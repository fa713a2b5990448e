"""SSM Run Command: orders out, replies back.

What the statuses mean is taken from AWS's "Understanding command statuses": `StatusDetails` counts, `Status` is too
coarse; Success says only that exit code 0 came back, so a reply is worth no more than the marker in its output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deployer.aws.refusals import calling
from deployer.core.errors import BadInput
from deployer.core.marker import Marker, find_marker
from deployer.core.orders import Delivery, Order, Reply, Sent

MOST_INSTANCES = 50  # SendCommand: at most 50 instance ids a call
SHORTEST_RUN = 5  # seconds; the agent takes anything out of its range for an hour
DELIVERY = 60  # seconds a command may take to reach the agent (SendCommand: at least 30)
UNREACHED = frozenset({"Undeliverable", "DeliveryTimedOut", "AccessDenied", "InvalidPlatform", "Terminated"})
GIVEN_UP = frozenset({"Cancelled", "Canceled"})
ERROR_PART = "\n----------ERROR-------"  # how the list joins standard output and standard error
RUNNING = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})


class RunCommand:
    """A rollout.ports.Commands; `ssm` is boto3's client, `document` the SSM document the instances run."""

    def __init__(self, ssm: Any, document: str, app: str, bucket: str, group: str) -> None:
        self._ssm = ssm
        self._document = document
        self._place = {"App": [app], "Bucket": [bucket], "Group": [group]}

    def check_there(self) -> None:
        """Raises BadInput where the document does not exist."""
        with calling(f"ssm:DescribeDocument of {self._document}"):
            try:
                self._ssm.describe_document(Name=self._document)
            except self._ssm.exceptions.InvalidDocument as error:
                raise BadInput(
                    f"there is no SSM document {self._document} in {self._ssm.meta.region_name}",
                    "create it from `scripts/run render --what document`, or give its name as `document`",
                ) from error

    def send(self, ids: Iterable[str], order: Order) -> Sent:
        """Sends an order; instances SSM does not know are answered for as unreachable."""
        wanted = list(ids)
        commands: dict[str, tuple[str, ...]] = {}
        refused: list[Reply] = []
        for start in range(0, len(wanted), MOST_INSTANCES):
            sent = self._send(tuple(wanted[start : start + MOST_INSTANCES]), order)
            commands |= sent.commands
            refused += sent.refused
        return Sent(commands, tuple(refused))

    def replies(self, command_id: str) -> tuple[Reply, ...]:
        """One reply for each instance at which the command has ended; none as long as SSM shows nothing."""
        with calling("ssm:ListCommandInvocations"):
            pages = self._ssm.get_paginator("list_command_invocations").paginate(CommandId=command_id, Details=True)
            ended = [
                each for page in pages for each in page["CommandInvocations"] if each["StatusDetails"] not in RUNNING
            ]
        return tuple(self._reply(command_id, each) for each in ended)

    def cancel(self, command_id: str) -> None:
        """Asks for a command to be given up; there is no guarantee that it stopped (SSM)."""
        with calling("ssm:CancelCommand"):
            self._ssm.cancel_command(CommandId=command_id)

    def _send(self, ids: tuple[str, ...], order: Order) -> Sent:
        """One command; where SSM does not know an id it refuses all of them, so they are sent one by one then."""
        with calling(f"ssm:SendCommand of {self._document}"):
            try:
                return Sent({self._command(ids, order): ids})
            except self._ssm.exceptions.InvalidInstanceId:
                if len(ids) == 1:
                    return Sent({}, (Reply(ids[0], Delivery.UNREACHABLE, detail="SSM does not know this instance"),))
        single = [self._send((each,), order) for each in ids]
        commands = {key: value for sent in single for key, value in sent.commands.items()}
        return Sent(commands, tuple(reply for sent in single for reply in sent.refused))

    def _command(self, ids: tuple[str, ...], order: Order) -> str:
        target = order.target
        answer = self._ssm.send_command(
            DocumentName=self._document,
            InstanceIds=list(ids),
            Comment=f"{order.subcommand} {target.version} generation {target.generation}"[:100],
            TimeoutSeconds=DELIVERY,
            Parameters={
                **self._place,
                "Subcommand": [order.subcommand],
                "Version": [target.version],
                "ManifestSha256": [target.manifest_sha256],
                "Generation": [str(target.generation)],
                "Timeout": [str(max(order.timeout, SHORTEST_RUN))],
            },
        )
        return str(answer["Command"]["CommandId"])

    def _reply(self, command_id: str, invocation: Mapping[str, Any]) -> Reply:
        instance_id, status = str(invocation["InstanceId"]), str(invocation["StatusDetails"])
        if status in UNREACHED:
            return Reply(instance_id, Delivery.UNREACHABLE, detail=f"SSM says {status}")
        if status in GIVEN_UP:
            return Reply(instance_id, Delivery.CANCELLED, detail="the command was cancelled")
        listed = "".join(str(plugin.get("Output", "")) for plugin in invocation.get("CommandPlugins", ()))
        marker = find_marker(listed.partition(ERROR_PART)[0]) or self._full_marker(command_id, instance_id)
        if marker:
            return Reply(instance_id, Delivery.ANSWERED, marker)
        return Reply(instance_id, Delivery.SILENT, detail=f"SSM says {status}, and it left no marker")

    def _full_marker(self, command_id: str, instance_id: str) -> Marker | None:
        """The marker in the 24,000 characters SSM keeps of one invocation; the list shows only 2,500."""
        with calling("ssm:GetCommandInvocation"):
            full = self._ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
        return find_marker(str(full.get("StandardOutputContent", "")))
