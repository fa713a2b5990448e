"""The CloudWatch alarms a rollout is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deployer.aws.refusals import calling
from deployer.core.fleet import MISSING


class Alarms:
    """Some alarms, metric and composite; `cloudwatch` is boto3's client."""

    def __init__(self, cloudwatch: Any, names: Sequence[str]) -> None:
        self._cloudwatch = cloudwatch
        self._names = tuple(names)

    def states(self) -> dict[str, str]:
        """Each alarm's state: OK, ALARM, INSUFFICIENT_DATA, or `missing` for one that is not there."""
        if not self._names:
            return {}
        with calling("cloudwatch:DescribeAlarms"):
            answer = self._cloudwatch.describe_alarms(
                AlarmNames=list(self._names), AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100
            )
        found = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
        states = {str(each["AlarmName"]): str(each["StateValue"]) for each in found}
        return {name: states.get(name, MISSING) for name in self._names}
