"""What becomes of an order at SSM: statuses as AWS means them, and what a reply is worth."""

from __future__ import annotations

import json
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.aws.run_command import MOST_INSTANCES, RunCommand
from deployer.core.errors import Refused
from deployer.core.orders import Delivery, Reply
from deployer.rollout.dispatch import Dispatch
from tests.unit.fake_ssm import ORDER, SHA, Ssm, commands, told

MARKER = "deployer: " + json.dumps(
    {"outcome": "activated", "version": "v2", "generation": 7, "manifest_sha256": SHA, "reason": "", "seconds": {}}
)


def replies(ssm: Ssm) -> tuple[Reply, ...]:
    """What comes back of an order to one instance."""
    to = commands(ssm)
    [command_id] = told(to, "i-1")
    return dict(to.replies([command_id]))[command_id]


def shown(status: str, output: str = "") -> dict[str, Any]:
    return {"InstanceId": "i-1", "StatusDetails": status, "CommandPlugins": [{"Output": output}]}


def test_an_order_is_parameters_of_the_document_and_nothing_else() -> None:
    ssm = Ssm()
    told(commands(ssm), "i-1")
    [sent] = ssm.sent
    assert sent["DocumentName"] == "deploy"
    assert sent["Parameters"] == {
        "App": ["orange"],
        "Bucket": ["releases"],
        "Group": ["orange-web"],
        "Subcommand": ["activate"],
        "Version": ["v2"],
        "ManifestSha256": [SHA],
        "Generation": ["7"],
        "Timeout": ["600"],
    }
    assert sent["Comment"] == "7.1 activate v2"


def test_an_instance_that_fails_keeps_the_order_from_no_other() -> None:
    ssm = Ssm()
    told(commands(ssm), "i-1", "i-2")
    assert ssm.sent[0]["MaxErrors"] == "100%"


def test_one_command_takes_fifty_instances_at_most() -> None:
    ssm = Ssm()
    sent = told(commands(ssm), *(f"i-{at}" for at in range(120)))
    assert [len(each["InstanceIds"]) for each in ssm.sent] == [MOST_INSTANCES, MOST_INSTANCES, 20]
    assert sum(len(ids) for ids in sent.values()) == 120


def test_an_instance_ssm_does_not_know_keeps_no_other_from_its_order() -> None:
    ssm = Ssm(unknown=("i-2",))
    unreached: list[str] = []
    to = RunCommand(ssm, "deploy", "orange", "releases", "orange-web", unreached=unreached.append)
    sent = list(to.send(["i-1", "i-2", "i-3"], ORDER))
    assert sorted(ids for each in sent for ids in each.commands.values()) == [("i-1",), ("i-3",)]
    refused = [(reply.instance_id, reply.delivery) for each in sent for reply in each.refused]
    assert refused == [("i-2", Delivery.UNREACHABLE)]
    assert unreached == ["i-2"]


def test_one_unknown_instance_among_fifty_costs_a_dozen_calls_not_fifty() -> None:
    ssm = Ssm(unknown=("i-31",))
    sent = told(commands(ssm), *(f"i-{at}" for at in range(50)))
    assert sum(len(ids) for ids in sent.values()) == 49
    assert len(ssm.calls) < 15


def test_of_several_open_commands_only_those_where_something_ended_are_listed() -> None:
    ssm = Ssm()
    to = commands(ssm)
    open_commands = [next(iter(told(to, each))) for each in ("i-1", "i-2", "i-3")]
    ssm.commands = [ssm.shown_command(at) for at in (3, 1)] + [ssm.shown_command(2, CompletedCount=1)]
    ssm.invocations = [{"InstanceId": "i-2", "StatusDetails": "Success", "CommandPlugins": [{"Output": MARKER}]}]
    ssm.calls.clear()
    found = to.replies(open_commands)
    assert [(key, [reply.instance_id for reply in its]) for key, its in found] == [("command-2", ["i-2"])]
    assert ssm.calls == ["list_commands", "list_command_invocations"]
    assert not list(to.replies(open_commands))


def test_a_reply_is_given_once() -> None:
    ssm = Ssm()
    to = commands(ssm)
    told(to, "i-1")
    ssm.invocations = [shown("Success", MARKER)]
    assert [len(its) for _, its in to.replies(["command-1"])] == [1]
    assert [len(its) for _, its in to.replies(["command-1"])] == [0]


class Throttling(Ssm):
    """Refuses to list the invocations of `refused`, and says of every other command that it went well at i-1."""

    refused = ""

    def get_paginator(self, name: str) -> Any:
        listed = super().get_paginator(name)
        return SimpleNamespace(paginate=self._invocations) if name == "list_command_invocations" else listed

    def _invocations(self, CommandId: str, Details: bool) -> list[dict[str, Any]]:  # noqa: N803 (AWS's own spelling)
        assert Details
        if CommandId == self.refused:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "ListCommandInvocations")
        return [{"CommandInvocations": [{**shown("Success", MARKER), "InstanceId": CommandId.replace("command", "i")}]}]


@pytest.mark.parametrize("refused", ["command-1", "command-2"])
def test_one_refused_list_loses_no_reply_for_good(refused: str) -> None:
    ssm = Throttling()
    dispatch = Dispatch(commands(ssm), 7)
    for each in ("i-1", "i-2"):
        list(dispatch.send("activate", ORDER.target, 600, [each]))
    ssm.commands = [ssm.shown_command(at, CompletedCount=1) for at in (1, 2)]
    ssm.refused = refused
    heard: list[str] = []
    with suppress(Refused):
        for reply in dispatch.replies():
            heard.append(reply.instance_id)
    assert len(heard) < 2
    ssm.refused = ""
    heard += [reply.instance_id for reply in dispatch.replies()]
    assert sorted(heard) == ["i-1", "i-2"]


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Delayed", "Cancelling"])
def test_what_is_under_way_is_no_reply(status: str) -> None:
    ssm = Ssm()
    ssm.invocations = [shown(status)]
    assert replies(ssm) == ()


@pytest.mark.parametrize(
    ("status", "delivery"),
    [
        ("Undeliverable", Delivery.UNREACHABLE),
        ("DeliveryTimedOut", Delivery.UNHEARD),
        ("AccessDenied", Delivery.UNREACHABLE),
        ("Terminated", Delivery.UNREACHABLE),
        ("Cancelled", Delivery.SILENT),
        ("Success", Delivery.SILENT),
        ("Failed", Delivery.SILENT),
        ("ExecutionTimedOut", Delivery.SILENT),
    ],
)
def test_without_a_marker_no_status_is_proof(status: str, delivery: Delivery) -> None:
    ssm = Ssm()
    ssm.invocations = [shown(status, "all went well")]
    [reply] = replies(ssm)
    assert (reply.delivery, reply.marker) == (delivery, None)
    assert reply.detail


@pytest.mark.parametrize("status", ["Success", "Failed"])
def test_the_marker_counts_whatever_the_status(status: str) -> None:
    ssm = Ssm()
    ssm.invocations = [shown(status, f"from v1 to v2\n{MARKER}\n")]
    [reply] = replies(ssm)
    assert reply.delivery is Delivery.ANSWERED
    assert reply.marker is not None
    assert reply.marker.proves("v2", SHA, 7)


def test_what_was_said_on_standard_error_does_not_hide_the_marker() -> None:
    ssm = Ssm()
    ssm.invocations = [shown("Success", f"{MARKER}\n\n----------ERROR-------\na warning\n")]
    [reply] = replies(ssm)
    assert reply.marker is not None


def test_a_marker_beyond_what_the_list_shows_is_fetched() -> None:
    ssm = Ssm(full_output=f"{'x' * 3000}\n{MARKER}\n")
    ssm.invocations = [shown("Success", "x" * 2500)]
    [reply] = replies(ssm)
    assert reply.marker is not None
