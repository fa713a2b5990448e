"""What becomes of an order at SSM: statuses as AWS means them, and what a reply is worth."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from deployer.aws.run_command import MOST_INSTANCES, RunCommand
from deployer.core.orders import Delivery, Order
from deployer.core.plan import Target

SHA = "ab" * 32
ORDER = Order("activate", Target("v2", SHA, 7), 600)
MARKER = "deployer: " + json.dumps(
    {"outcome": "activated", "version": "v2", "generation": 7, "manifest_sha256": SHA, "reason": "", "seconds": {}}
)


class InvalidInstanceId(Exception):
    """As SSM says it: which of the ids it means stays its secret."""


class Ssm:
    """SSM as far as orders go: `unknown` ids are refused, `invocations` is what a list shows."""

    exceptions = SimpleNamespace(InvalidInstanceId=InvalidInstanceId, InvalidDocument=KeyError)
    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(self, unknown: tuple[str, ...] = (), full_output: str = "") -> None:
        self.unknown, self.full_output = unknown, full_output
        self.sent: list[dict[str, Any]] = []
        self.invocations: list[dict[str, Any]] = []

    def send_command(self, **parameters: Any) -> dict[str, Any]:
        if set(parameters["InstanceIds"]) & set(self.unknown):
            raise InvalidInstanceId
        self.sent.append(parameters)
        return {"Command": {"CommandId": f"command-{len(self.sent)}"}}

    def get_paginator(self, name: str) -> Any:
        assert name == "list_command_invocations"
        return SimpleNamespace(paginate=lambda **_: [{"CommandInvocations": self.invocations}])

    def get_command_invocation(self, **_: Any) -> dict[str, Any]:
        return {"StandardOutputContent": self.full_output}


def commands(ssm: Ssm) -> RunCommand:
    return RunCommand(ssm, "deploy", "orange", "releases", "orange-web")


def shown(status: str, output: str = "") -> dict[str, Any]:
    return {"InstanceId": "i-1", "StatusDetails": status, "CommandPlugins": [{"Output": output}]}


def test_an_order_is_parameters_of_the_document_and_nothing_else() -> None:
    ssm = Ssm()
    commands(ssm).send(["i-1"], ORDER)
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
    assert len(sent["Comment"]) <= 100


def test_one_command_takes_fifty_instances_at_most() -> None:
    ssm = Ssm()
    sent = commands(ssm).send([f"i-{at}" for at in range(120)], ORDER)
    assert [len(each["InstanceIds"]) for each in ssm.sent] == [MOST_INSTANCES, MOST_INSTANCES, 20]
    assert sum(len(ids) for ids in sent.commands.values()) == 120


def test_an_instance_ssm_does_not_know_keeps_no_other_from_its_order() -> None:
    ssm = Ssm(unknown=("i-2",))
    sent = commands(ssm).send(["i-1", "i-2", "i-3"], ORDER)
    assert sorted(ids for ids in sent.commands.values()) == [("i-1",), ("i-3",)]
    assert [(each.instance_id, each.delivery) for each in sent.refused] == [("i-2", Delivery.UNREACHABLE)]


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Delayed", "Cancelling"])
def test_what_is_under_way_is_no_reply(status: str) -> None:
    ssm = Ssm()
    ssm.invocations = [shown(status)]
    assert commands(ssm).replies("command-1") == ()


@pytest.mark.parametrize(
    ("status", "delivery"),
    [
        ("Undeliverable", Delivery.UNREACHABLE),
        ("DeliveryTimedOut", Delivery.UNREACHABLE),
        ("AccessDenied", Delivery.UNREACHABLE),
        ("Terminated", Delivery.UNREACHABLE),
        ("Cancelled", Delivery.CANCELLED),
        ("Success", Delivery.SILENT),
        ("Failed", Delivery.SILENT),
        ("ExecutionTimedOut", Delivery.SILENT),
    ],
)
def test_without_a_marker_no_status_is_proof(status: str, delivery: Delivery) -> None:
    ssm = Ssm()
    ssm.invocations = [shown(status, "all went well")]
    [reply] = commands(ssm).replies("command-1")
    assert (reply.delivery, reply.marker) == (delivery, None)
    assert reply.detail


@pytest.mark.parametrize("status", ["Success", "Failed"])
def test_the_marker_counts_whatever_the_status(status: str) -> None:
    ssm = Ssm()
    ssm.invocations = [shown(status, f"from v1 to v2\n{MARKER}\n")]
    [reply] = commands(ssm).replies("command-1")
    assert reply.delivery is Delivery.ANSWERED
    assert reply.marker is not None
    assert reply.marker.proves("v2", SHA, 7)


def test_what_was_said_on_standard_error_does_not_hide_the_marker() -> None:
    ssm = Ssm()
    ssm.invocations = [shown("Success", f"{MARKER}\n\n----------ERROR-------\na warning\n")]
    [reply] = commands(ssm).replies("command-1")
    assert reply.marker is not None


def test_a_marker_beyond_what_the_list_shows_is_fetched() -> None:
    ssm = Ssm(full_output=f"{'x' * 3000}\n{MARKER}\n")
    ssm.invocations = [shown("Success", "x" * 2500)]
    [reply] = commands(ssm).replies("command-1")
    assert reply.marker is not None
