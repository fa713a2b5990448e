"""Several target groups as one answer: does this instance take requests?"""

from __future__ import annotations

from typing import Any

import pytest

from deployer.aws.target_groups import TargetGroups
from deployer.core.fleet import Traffic


class Elbv2:
    """Target health by target group: {group: {instance: state}}."""

    def __init__(self, states: dict[str, dict[str, str]]) -> None:
        self.states = states
        self.calls = 0

    def describe_target_health(self, TargetGroupArn: str) -> dict[str, Any]:  # noqa: N803 (AWS's own spelling)
        self.calls += 1
        found = self.states[TargetGroupArn].items()
        return {"TargetHealthDescriptions": [{"Target": {"Id": k}, "TargetHealth": {"State": v}} for k, v in found]}


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
    ],
)
def test_of_several_target_groups_the_worst_counts(one: str, two: str, expected: Traffic) -> None:
    assert traffic(one=one, two=two) is expected


def test_without_target_groups_nobody_is_asked() -> None:
    elbv2 = Elbv2({})
    assert TargetGroups(elbv2, []).traffic(["i-1"]) == {"i-1": Traffic.NONE}
    assert elbv2.calls == 0
