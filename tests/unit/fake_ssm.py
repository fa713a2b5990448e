"""boto3's client for SSM as far as orders go, and an order to send with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from deployer.aws.run_command import RunCommand
from deployer.core.orders import Order
from deployer.core.plan import Target

SHA = "ab" * 32
ORDER = Order("7.1", "activate", Target("v2", SHA, 7), 600)


class InvalidInstanceId(ClientError):  # type: ignore[misc]  # botocore has no types
    """As SSM says it: which of the ids it means stays its secret."""

    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "InvalidInstanceId", "Message": ""}}, "SendCommand")


REQUESTED = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Ssm:
    """SSM as far as orders go: `unknown` ids are refused, `invocations` is what a list shows."""

    exceptions = SimpleNamespace(InvalidInstanceId=InvalidInstanceId, InvalidDocument=KeyError)
    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(self, unknown: tuple[str, ...] = (), full_output: str = "") -> None:
        self.unknown, self.full_output = unknown, full_output
        self.sent: list[dict[str, Any]] = []
        self.invocations: list[dict[str, Any]] = []
        self.commands: list[dict[str, Any]] = []
        self.loses_the_next_answer = False
        self.calls: list[str] = []

    def send_command(self, **parameters: Any) -> dict[str, Any]:
        self.calls.append("SendCommand")
        if set(parameters["InstanceIds"]) & set(self.unknown):
            raise InvalidInstanceId
        self.sent.append(parameters)
        if self.loses_the_next_answer:
            self.loses_the_next_answer = False
            raise ReadTimeoutError(endpoint_url="https://ssm")
        return {"Command": self.shown_command(len(self.sent))}

    def shown_command(self, number: int, **about: Any) -> dict[str, Any]:
        """What ListCommands would say of the command that was sent as the `number`th."""
        return {
            **self.sent[number - 1],
            "CommandId": f"command-{number}",
            "RequestedDateTime": REQUESTED,
            "StatusDetails": "InProgress",
            "CompletedCount": 0,
            **about,
        }

    def get_paginator(self, name: str) -> Any:
        self.calls.append(name)
        shown = {
            "list_command_invocations": lambda: [{"CommandInvocations": self.invocations}],
            "list_commands": lambda: [{"Commands": self.commands}],
        }
        return SimpleNamespace(paginate=lambda **_: shown[name]())

    def get_command_invocation(self, **_: Any) -> dict[str, Any]:
        self.calls.append("GetCommandInvocation")
        return {"StandardOutputContent": self.full_output}


@dataclass
class Time:
    """The clock of these tests, in epoch seconds."""

    at: float = REQUESTED.timestamp()

    def __call__(self) -> float:
        return self.at


def commands(ssm: Ssm, now: Callable[[], float] = time.time) -> RunCommand:
    return RunCommand(ssm, "deploy", "orange", "releases", "orange-web", now=now)


def told(to: RunCommand, *ids: str) -> dict[str, tuple[str, ...]]:
    """The commands an order to these instances became."""
    return {command_id: its for sent in to.send(ids, ORDER) for command_id, its in sent.commands.items()}
