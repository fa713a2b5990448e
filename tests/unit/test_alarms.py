"""Alarms by name, whatever their kind."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.aws.alarms import Alarms
from deployer.core.errors import Refused
from deployer.core.fleet import MISSING


class CloudWatch:
    """Some alarms; `narrow` is a role that may not describe every alarm, and is denied composite ones."""

    def __init__(self, narrow: bool = False) -> None:
        self.narrow = narrow
        self.alarms = {"MetricAlarm": {"errors": "OK", "latency": "ALARM"}, "CompositeAlarm": {"all": "OK"}}
        self.calls = 0

    def describe_alarms(self, AlarmNames: list[str], AlarmTypes: list[str], MaxRecords: int) -> dict[str, Any]:  # noqa: N803
        assert MaxRecords >= len(AlarmNames)
        self.calls += 1
        [kind] = AlarmTypes
        if self.narrow and kind == "CompositeAlarm":
            raise Refused("cloudwatch:DescribeAlarms was refused")
        alarms = self.alarms[kind]
        found = [{"AlarmName": each, "StateValue": alarms[each]} for each in AlarmNames if each in alarms]
        return {f"{kind}s": found}


def test_alarms_of_both_kinds_have_a_state_and_those_that_are_not_there_are_missing() -> None:
    states = Alarms(CloudWatch(), ["latency", "all", "misspelt"]).states()
    assert states == {"latency": "ALARM", "all": "OK", "misspelt": MISSING}


def test_metric_alarms_cost_one_call_and_no_right_to_describe_every_alarm() -> None:
    cloudwatch = CloudWatch(narrow=True)
    assert Alarms(cloudwatch, ["errors", "latency"]).states() == {"errors": "OK", "latency": "ALARM"}
    assert cloudwatch.calls == 1


def test_composite_alarms_need_that_right() -> None:
    with pytest.raises(Refused):
        Alarms(CloudWatch(narrow=True), ["errors", "all"]).states()


def test_without_alarms_nothing_is_asked() -> None:
    cloudwatch = CloudWatch()
    assert (Alarms(cloudwatch, []).states(), cloudwatch.calls) == ({}, 0)
