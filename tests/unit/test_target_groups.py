"""Several target groups as one answer: does this instance take requests?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from deployer.aws.target_groups import TargetGroups
from deployer.core.fleet import Traffic

UNUSED = "unused Target.NotInUse"


class Elbv2:
    """Target health by target group: {group: {instance: state}}, the reason after the state where it matters."""

    def __init__(self, states: dict[str, dict[str, str]]) -> None:
        self.states = states
        self.calls = 0

    def describe_target_health(self, TargetGroupArn: str) -> dict[str, Any]:  # noqa: N803 (AWS's own spelling)
        self.calls += 1
        found = self.states[TargetGroupArn].items()
        return {"TargetHealthDescriptions": [{"Target": {"Id": k}, "TargetHealth": health(v)} for k, v in found]}


def health(shown: str) -> dict[str, str]:
    state, _, reason = shown.partition(" Target.")
    return {"State": state, **({"Reason": f"Target.{reason}"} if reason else {})}


def traffic(**states: str) -> Traffic:
    """Of one instance, by its state in each target group; a group it is not in has "" for it."""
    groups = {name: {"i-1": state} if state else {} for name, state in states.items()}
    return TargetGroups(Elbv2(groups), list(groups)).traffic(["i-1"])["i-1"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("healthy", Traffic.HEALTHY),
        ("initial", Traffic.STARTING),
        ("unhealthy", Traffic.UNHEALTHY),
        ("unavailable", Traffic.UNHEALTHY),
        ("draining", Traffic.DRAINING),
        ("unhealthy.draining", Traffic.DRAINING),
        ("unused", Traffic.OUT),
        ("unused Target.InvalidState", Traffic.OUT),
        ("unused Target.NotInUse", Traffic.NONE),
        ("", Traffic.OUT),
        ("a state of tomorrow", Traffic.UNHEALTHY),
    ],
)
def test_a_target_state_is_one_answer(state: str, expected: Traffic) -> None:
    assert traffic(one=state) is expected


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("healthy", "initial", Traffic.STARTING),
        ("healthy", "unhealthy", Traffic.UNHEALTHY),
        ("draining", "", Traffic.DRAINING),
        ("healthy", "", Traffic.STARTING),
        ("unhealthy", "", Traffic.UNHEALTHY),
        ("", "", Traffic.OUT),
        (UNUSED, "healthy", Traffic.HEALTHY),
        (UNUSED, "initial", Traffic.STARTING),
        (UNUSED, "", Traffic.OUT),
        (UNUSED, UNUSED, Traffic.NONE),
    ],
)
def test_of_several_target_groups_the_worst_counts(one: str, two: str, expected: Traffic) -> None:
    assert traffic(one=one, two=two) is expected


def test_an_instance_in_a_zone_without_load_balancer_says_nothing_of_the_others() -> None:
    shown = {"i-1": "healthy", "i-2": UNUSED, "i-3": "unhealthy"}
    assert TargetGroups(Elbv2({"group": shown}), ["group"]).traffic(["i-1", "i-2", "i-3", "i-4"]) == {
        "i-1": Traffic.HEALTHY,
        "i-2": Traffic.NONE,
        "i-3": Traffic.UNHEALTHY,
        "i-4": Traffic.OUT,
    }


def test_who_was_taken_out_stays_out_though_nobody_is_left_who_gets_requests() -> None:
    elbv2 = Elbv2({"group": {"i-2": UNUSED}})
    assert TargetGroups(elbv2, ["group"]).traffic(["i-1"]) == {"i-1": Traffic.OUT}


def test_without_target_groups_nobody_is_asked() -> None:
    elbv2 = Elbv2({})
    assert TargetGroups(elbv2, []).traffic(["i-1"]) == {"i-1": Traffic.NONE}
    assert elbv2.calls == 0


class InvalidTarget(Exception):
    """What boto3 raises for a target that cannot be registered."""


class Dying(Elbv2):
    """Refuses to register who does not run any more, and everybody named with it."""

    exceptions = SimpleNamespace(InvalidTargetException=InvalidTarget)

    def __init__(self, *dead: str, message: str = "not in a running state and cannot be registered: '{}'") -> None:
        super().__init__({})
        self.dead, self.message = dead, message
        self.registered: list[str] = []

    def register_targets(self, TargetGroupArn: str, Targets: list[dict[str, str]]) -> None:  # noqa: N803
        del TargetGroupArn
        ids = [each["Id"] for each in Targets]
        if dead := [each for each in ids if each in self.dead]:
            raise InvalidTarget(self.message.format("', '".join(dead)))
        self.registered += ids


def test_an_instance_that_died_keeps_nobody_else_from_being_registered() -> None:
    elbv2 = Dying("i-0000000b")
    TargetGroups(elbv2, ["group"]).register(["i-0000000a", "i-0000000b", "i-0000000c"])
    assert elbv2.registered == ["i-0000000a", "i-0000000c"]


def test_registering_only_who_died_is_no_error() -> None:
    elbv2 = Dying("i-0000000b")
    TargetGroups(elbv2, ["group"]).register(["i-0000000b"])
    assert elbv2.registered == []


def test_a_refusal_that_names_nobody_stays_a_refusal() -> None:
    with pytest.raises(InvalidTarget):
        TargetGroups(Dying("i-0000000b", message="another VPC"), ["group"]).register(["i-0000000b"])
