"""The API of Run Command: requests in, answers out, each limit and error as AWS has it.

Sources of the limits: botocore's service model (50 ids, pages, Comment of 100 characters) and the SSM user guide.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from localcloud.aws.commands import Command, Invocation
from localcloud.aws.documents import RUN_SHELL_SCRIPT, step_of
from localcloud.aws.errors import AwsError
from localcloud.aws.moto_seams import Books
from localcloud.aws.operations import Handler, Request
from localcloud.aws.run_command import RunCommand
from localcloud.aws.systems_manager_views import (
    command_view,
    instance_view,
    invocation_view,
    plugin_view,
)

MOST_IDS = 50
LONGEST_COMMENT = 100
DEFAULT_DELIVERY_TIMEOUT = 3600
DELIVERY_TIMEOUTS = range(30, 2_592_001)


class SystemsManager:
    """Handlers of the operations around commands and managed instances."""

    def __init__(self, books: Books, run_command: RunCommand) -> None:
        self._books = books
        self._run_command = run_command

    def handlers(self) -> dict[str, Handler]:
        """Operation name → handler."""
        return {
            "SendCommand": self.send_command,
            "CancelCommand": self.cancel_command,
            "ListCommands": self.list_commands,
            "ListCommandInvocations": self.list_command_invocations,
            "GetCommandInvocation": self.get_command_invocation,
            "DescribeInstanceInformation": self.describe_instance_information,
        }

    def send_command(self, request: Request) -> Any:
        """Checks everything AWS checks before a command exists, then hands it on."""
        asked = request.parameters
        _check_limits(asked)
        name, version = asked["DocumentName"], asked.get("DocumentVersion", "")
        content = self._document(name, version, asked.get("DocumentHash", ""))
        step = step_of(content, asked.get("Parameters") or {})
        ids = self._targets(asked)
        command = Command(
            id=str(uuid.uuid4()),
            document=name,
            document_version=version,
            step=step,
            parameters=asked.get("Parameters") or {},
            comment=asked.get("Comment", ""),
            instance_ids=asked.get("InstanceIds") or [],
            targets=asked.get("Targets") or [],
            delivery_timeout=int(asked.get("TimeoutSeconds") or DEFAULT_DELIVERY_TIMEOUT),
            max_concurrency=asked.get("MaxConcurrency") or "50",
            max_errors=asked.get("MaxErrors") or "0",
        )
        command.invocations = [Invocation(command, each, self._name_of(each)) for each in ids]
        self._run_command.send(command)
        return {"Command": command_view(command)}

    def cancel_command(self, request: Request) -> Any:
        """Cancels a command everywhere, or on the named instances."""
        command = self._command(request.parameters.get("CommandId", ""))
        only = request.parameters.get("InstanceIds") or []
        unknown = set(only) - {each.instance_id for each in command.invocations}
        if unknown:
            raise _invalid_instances(sorted(unknown))
        self._run_command.cancel(each for each in command.invocations if not only or each.instance_id in only)
        return {}

    def list_commands(self, request: Request) -> Any:
        """Commands by id, instance and filters, newest first."""
        asked = request.parameters
        found = [
            each
            for each in self._run_command.visible()
            if asked.get("CommandId") in (None, each.id)
            and _is_on(each, asked.get("InstanceId"))
            and _passes(asked, each.requested_at, each.status, each.details, each.document)
        ]
        return _page("Commands", [command_view(each) for each in found], asked)

    def list_command_invocations(self, request: Request) -> Any:
        """Invocations by command, instance and filters; with Details, the plugins' output."""
        asked = request.parameters
        found = [
            invocation
            for command in self._run_command.visible()
            for invocation in command.invocations
            if asked.get("CommandId") in (None, command.id)
            and asked.get("InstanceId") in (None, invocation.instance_id)
            and _passes(asked, command.requested_at, invocation.status, invocation.details, command.document)
        ]
        details = bool(asked.get("Details"))
        return _page("CommandInvocations", [invocation_view(each, details) for each in found], asked)

    def get_command_invocation(self, request: Request) -> Any:
        """One invocation with its output. InvocationDoesNotExist also shortly after SendCommand."""
        asked = request.parameters
        command = next((c for c in self._run_command.visible() if c.id == asked.get("CommandId")), None)
        invocations = command.invocations if command else []
        found = next((i for i in invocations if i.instance_id == asked.get("InstanceId")), None)
        if found is None:
            raise AwsError("InvocationDoesNotExist", "")
        plugin = asked.get("PluginName")
        if plugin not in (None, found.command.step.name):
            raise AwsError("InvalidPluginName", "The plugin name isn't valid.")
        return plugin_view(found)

    def describe_instance_information(self, request: Request) -> Any:
        """Managed instances with their PingStatus, pages of 5 to 50 (10 when not said)."""
        asked = request.parameters
        wanted = _instance_filters(asked)
        found = [
            instance_view(agent, self._books.instance(agent.instance_id)) for agent in self._run_command.agents.values()
        ]
        found = [each for each in found if all(str(each.get(k)) in values for k, values in wanted.items())]
        return _page("InstanceInformationList", found, asked, default=10)

    def _document(self, name: str, version: str, expected_hash: str) -> Mapping[str, Any]:
        if name == "AWS-RunShellScript":
            return RUN_SHELL_SCRIPT
        text = self._books.document(name, version)
        if expected_hash and hashlib.sha256(text.encode()).hexdigest() != expected_hash:
            raise AwsError("InvalidDocument", f"The hash of document {name} is not the one given.")
        content: Mapping[str, Any] = json.loads(text)
        return content

    def _targets(self, asked: Mapping[str, Any]) -> list[str]:
        ids: list[str] = list(asked.get("InstanceIds") or [])
        repeated = [each for each, times in Counter(ids).items() if times > 1]
        if repeated:
            raise AwsError("DuplicateInstanceId", f"The instance ids {repeated} are given twice.")
        unmanaged = [each for each in ids if each not in self._run_command.agents]
        if unmanaged:
            raise _invalid_instances(unmanaged)
        matching = list(self._run_command.agents)
        for target in asked.get("Targets") or []:
            matching = [each for each in matching if self._matches(each, target)]
        return ids or matching

    def _matches(self, instance_id: str, target: Mapping[str, Any]) -> bool:
        key, values = str(target.get("Key", "")), target.get("Values") or []
        if key == "InstanceIds":
            return instance_id in values
        if not key.startswith("tag:"):
            raise AwsError("InvalidTarget", f"The target key {key} is not InstanceIds or tag:NAME.")
        return self._books.tags(instance_id).get(key.removeprefix("tag:")) in values

    def _name_of(self, instance_id: str) -> str:
        return self._books.tags(instance_id).get("Name", "")

    def _command(self, command_id: str) -> Command:
        command = self._run_command.known(command_id)
        if command is None:
            raise AwsError("InvalidCommandId", "")
        return command


def _check_limits(asked: Mapping[str, Any]) -> None:
    ids = asked.get("InstanceIds") or []
    comment = asked.get("Comment") or ""
    if len(ids) > MOST_IDS:
        raise _out_of_range("instanceIds", "Member must have length less than or equal to 50")
    if len(comment) > LONGEST_COMMENT:
        raise _out_of_range("comment", "Member must have length less than or equal to 100")
    if int(asked.get("TimeoutSeconds") or DEFAULT_DELIVERY_TIMEOUT) not in DELIVERY_TIMEOUTS:
        raise _out_of_range("timeoutSeconds", "Member must be between 30 and 2592000")
    if not ids and not asked.get("Targets"):
        raise AwsError("ValidationException", "InstanceIds or Targets must be given.")
    if ids and asked.get("Targets"):
        raise AwsError("ValidationException", "InstanceIds and Targets cannot be given together.")


def _out_of_range(member: str, constraint: str) -> AwsError:
    message = f"1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
    return AwsError("ValidationException", message)


def _invalid_instances(ids: Sequence[str]) -> AwsError:
    return AwsError("InvalidInstanceId", f"Instances [[{', '.join(ids)}]] not in a valid state for account")


def _is_on(command: Command, instance_id: str | None) -> bool:
    return instance_id is None or any(each.instance_id == instance_id for each in command.invocations)


def _passes(asked: Mapping[str, Any], requested: datetime, status: str, details: str, document: str) -> bool:
    for each in asked.get("Filters") or []:
        key, value = each["key"], each["value"]
        if key == "Status" and value not in (status, details):
            return False
        if key == "DocumentName" and value != document:
            return False
        if key == "InvokedAfter" and requested <= datetime.fromisoformat(value):
            return False
        if key == "InvokedBefore" and requested >= datetime.fromisoformat(value):
            return False
    return True


def _instance_filters(asked: Mapping[str, Any]) -> dict[str, list[str]]:
    pairs = [(each["Key"], each["Values"]) for each in asked.get("Filters") or []]
    pairs += [(each["key"], each["valueSet"]) for each in asked.get("InstanceInformationFilterList") or []]
    names = {"InstanceIds": "InstanceId", "PlatformTypes": "PlatformType"}
    return {names.get(key, key): list(values) for key, values in pairs}


def _page(name: str, found: list[Any], asked: Mapping[str, Any], default: int = 50) -> dict[str, Any]:
    start = int(asked.get("NextToken") or 0)
    size = int(asked.get("MaxResults") or default)
    if size > MOST_IDS:
        raise _out_of_range("maxResults", "Member must have value less than or equal to 50")
    answer: dict[str, Any] = {name: found[start : start + size]}
    if start + size < len(found):
        answer["NextToken"] = str(start + size)
    return answer
