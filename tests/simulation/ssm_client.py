"""boto3's client for SSM, as far as a rollout uses it; one for each runner."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.simulation.ssm import LISTED_OUTPUT, RUNNING, VISIBLE_AFTER, Command, Invocation

if TYPE_CHECKING:
    from tests.simulation.runner import Runner

PAGE = 50
PARAMETERS = {
    "App": r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}",
    "Bucket": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "Group": r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}",
    "Subcommand": r"prefetch|activate|status|down",
    "Version": r"([A-Za-z0-9][A-Za-z0-9._-]{0,127})?",
    "ManifestSha256": r"([0-9a-f]{64})?",
    "Generation": r"0|[1-9][0-9]{0,9}",
    "Timeout": r"[1-9][0-9]{0,5}",
}
"""What the document allows (`allowedPattern`)."""


class InvalidInstanceId(ClientError):  # type: ignore[misc]  # botocore has no types
    """At least one of the ids is none that SSM knows; which, it does not say."""


class Exceptions:
    InvalidInstanceId = InvalidInstanceId
    ClientError = ClientError


class Meta:
    region_name = "eu-west-1"


class Paginator:
    def __init__(self, pages: Callable[..., Iterator[dict[str, Any]]]) -> None:
        self.paginate = pages


def refusal(operation: str, code: str, status: int, kind: type[ClientError] = ClientError) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "so says the simulation"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return kind(answer, operation)


class SsmClient:
    """Raises what botocore raises. A call is counted, takes time, and may be refused or lose its answer."""

    exceptions = Exceptions
    meta = Meta

    def __init__(self, runner: Runner) -> None:
        self._runner, self._world, self._ssm = runner, runner.world, runner.world.ssm

    def send_command(self, **request: Any) -> dict[str, Any]:
        self._begin("SendCommand")
        _check(request)
        ids = request["InstanceIds"]
        if not all(self._ssm.knows(each) for each in ids):
            if len(ids) == 1:
                self._world.checker.shown.unknown(self._runner, ids[0])
            self._runner.returns()
            raise refusal("SendCommand", "InvalidInstanceId", 400, InvalidInstanceId)
        lost = self._runner.loses_reply()
        if lost and self._world.random.random() < 0.5:
            self._lose("SendCommand")
        command = self._ssm.send(self._runner.name, request)
        self._world.checker.taken.sent(self._runner, command)
        if lost:
            self._lose("SendCommand")
        self._runner.returns()
        return {"Command": _described(command)}

    def get_paginator(self, operation: str) -> Paginator:
        pages: dict[str, Callable[..., Iterator[dict[str, Any]]]]
        pages = {"list_command_invocations": self._invocations, "list_commands": self._commands}
        return Paginator(pages[operation])

    def get_command_invocation(self, CommandId: str, InstanceId: str) -> dict[str, Any]:  # noqa: N803
        self._begin("GetCommandInvocation")
        command = self._ssm.commands[CommandId]
        if not self._listed(command):
            raise refusal("GetCommandInvocation", "InvocationDoesNotExist", 400)
        invocation = command.invocations[InstanceId]
        self._runner.returns()
        return {"StandardOutputContent": invocation.shown_output[:24000], "StatusDetails": invocation.shown}

    def cancel_command(self, CommandId: str) -> dict[str, Any]:  # noqa: N803
        self._begin("CancelCommand")
        self._world.timeline.tell(f"{self._runner.name} cancels {CommandId}")
        self._ssm.commands[CommandId].given_up = True
        self._ssm.cancel(self._ssm.commands[CommandId])
        self._runner.returns()
        return {}

    def _invocations(self, CommandId: str, Details: bool = False) -> Iterator[dict[str, Any]]:  # noqa: N803
        command = self._ssm.commands[CommandId]
        shown = list(command.invocations.values())
        for start in range(0, len(shown), PAGE):
            self._begin("ListCommandInvocations")
            page = shown[start : start + PAGE] if self._listed(command) else []
            answer = {"CommandInvocations": [self._shown(command, each) for each in page]}
            self._runner.returns()
            yield answer

    def _shown(self, command: Command, invocation: Invocation) -> dict[str, Any]:
        if invocation.shown not in RUNNING:
            self._world.checker.shown.told(self._runner, command, invocation)
        return {
            "InstanceId": invocation.host_id,
            "CommandId": command.id,
            "StatusDetails": invocation.shown,
            "CommandPlugins": [{"Output": invocation.shown_output[:LISTED_OUTPUT]}],
        }

    def _commands(self, Filters: list[dict[str, str]]) -> Iterator[dict[str, Any]]:  # noqa: N803
        asked = {each["key"]: each["value"] for each in Filters}
        after = datetime.fromisoformat(asked["InvokedAfter"].replace("Z", "+00:00")).timestamp()
        found = [each for each in self._ssm.commands.values() if each.sent_at >= after]
        newest_first = found[::-1]
        for start in range(0, max(1, len(newest_first)), PAGE):
            self._begin("ListCommands")
            page = [_described(each) for each in newest_first[start : start + PAGE] if self._listed(each)]
            self._runner.returns()
            yield {"Commands": page}

    def _listed(self, command: Command) -> bool:
        return command.sent_at + VISIBLE_AFTER <= self._world.timeline.now

    def _begin(self, operation: str) -> None:
        if self._runner.begins(operation, "ssm"):
            raise refusal(operation, "ThrottlingException", 400)

    def _lose(self, operation: str) -> None:
        self._world.timeline.tell(f"the answer to {operation} is lost")
        self._runner.returns()
        if self._world.random.random() < 0.5:
            raise ReadTimeoutError(endpoint_url="https://ssm.example")
        raise refusal(operation, "InternalServerError", 500)


def _described(command: Command) -> dict[str, Any]:
    ended = sum(each.shown not in RUNNING for each in command.invocations.values())
    return {
        "CommandId": command.id,
        "Comment": command.comment,
        "Parameters": command.parameters,
        "InstanceIds": list(command.invocations),
        "StatusDetails": "InProgress" if ended < len(command.invocations) else "Success",
        "CompletedCount": ended,
        "TargetCount": len(command.invocations),
        "RequestedDateTime": datetime.fromtimestamp(command.sent_at, timezone.utc),
    }


def _check(request: dict[str, Any]) -> None:
    """What SSM and the document refuse at once; the product must never try it."""
    ids = request["InstanceIds"]
    if not 1 <= len(ids) <= 50 or len(set(ids)) != len(ids):
        raise refusal("SendCommand", "ValidationException", 400)
    if len(request["Comment"]) > 100 or request["TimeoutSeconds"] < 30:
        raise refusal("SendCommand", "ValidationException", 400)
    given = {name: values[0] for name, values in request["Parameters"].items()}
    if given.keys() - PARAMETERS.keys() or any(not re.fullmatch(PARAMETERS[name], given[name]) for name in given):
        raise refusal("SendCommand", "InvalidParameters", 400)
