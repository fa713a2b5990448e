"""How SSM shows commands, invocations and managed instances: field for field as in its API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from localcloud.aws.agent import Agent
from localcloud.aws.commands import (
    STDERR_LIMIT,
    STDOUT_LIMIT,
    Command,
    Invocation,
    clipped,
    merged_output,
    now,
)


def command_view(command: Command) -> dict[str, Any]:
    """A Command."""
    over = [each for each in command.invocations if each.over]
    return {
        "CommandId": command.id,
        "DocumentName": command.document,
        "DocumentVersion": command.document_version,
        "Comment": command.comment,
        "ExpiresAfter": command.expires_at,
        "Parameters": command.parameters,
        "InstanceIds": command.instance_ids,
        "Targets": command.targets,
        "RequestedDateTime": command.requested_at,
        "Status": command.status,
        "StatusDetails": command.details,
        "MaxConcurrency": command.max_concurrency,
        "MaxErrors": command.max_errors,
        "TargetCount": len(command.invocations),
        "CompletedCount": len(over),
        "ErrorCount": command.error_count,
        "DeliveryTimedOutCount": sum(each.details == "DeliveryTimedOut" for each in over),
        "TimeoutSeconds": command.delivery_timeout,
    }


def invocation_view(invocation: Invocation, details: bool) -> dict[str, Any]:
    """A CommandInvocation; with `details` also its plugin and the plugin's output."""
    command = invocation.command
    view = {
        "CommandId": command.id,
        "InstanceId": invocation.instance_id,
        "InstanceName": invocation.instance_name,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.document_version,
        "RequestedDateTime": command.requested_at,
        "Status": invocation.status,
        "StatusDetails": invocation.details,
        "CommandPlugins": [],
    }
    if details:
        view["CommandPlugins"] = [_listed_plugin(invocation)]
    return view


def _listed_plugin(invocation: Invocation) -> dict[str, Any]:
    return {
        "Name": invocation.command.step.name,
        "Status": invocation.status,
        "StatusDetails": invocation.details,
        "ResponseCode": invocation.response_code,
        "ResponseStartDateTime": invocation.started_at,
        "ResponseFinishDateTime": invocation.ended_at,
        "Output": merged_output(invocation.stdout, invocation.stderr),
    }


def plugin_view(invocation: Invocation) -> dict[str, Any]:
    """What GetCommandInvocation answers: one plugin's state and output, empty until it has ended."""
    command = invocation.command
    return {
        "CommandId": command.id,
        "InstanceId": invocation.instance_id,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.document_version,
        "PluginName": command.step.name,
        "ResponseCode": invocation.response_code,
        "ExecutionStartDateTime": _iso(invocation.started_at),
        "ExecutionElapsedTime": _elapsed(invocation),
        "ExecutionEndDateTime": _iso(invocation.ended_at) if invocation.started_at else "",
        "Status": invocation.status,
        "StatusDetails": invocation.details,
        "StandardOutputContent": clipped(invocation.stdout, STDOUT_LIMIT),
        "StandardOutputUrl": "",
        "StandardErrorContent": clipped(invocation.stderr, STDERR_LIMIT, "\n---Error truncated----"),
        "StandardErrorUrl": "",
    }


def _iso(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if moment else ""


def _elapsed(invocation: Invocation) -> str:
    if invocation.started_at is None:
        return ""
    seconds = ((invocation.ended_at or now()) - invocation.started_at).total_seconds()
    return f"PT{seconds:.3f}S"


def instance_view(agent: Agent, instance: Any) -> dict[str, Any]:
    """A managed instance; `instance` is EC2's entry, None when it has none any more."""
    return {
        "InstanceId": agent.instance_id,
        "PingStatus": "Online" if agent.online else "ConnectionLost",
        "LastPingDateTime": agent.last_ping,
        "AgentVersion": "3.3.3572.0",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "RegistrationDate": agent.registered_at,
        "IPAddress": instance.private_ip if instance else "",
        "ComputerName": instance.private_dns_name if instance else "",
    }
