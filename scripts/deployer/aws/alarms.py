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
        found = self._asked("MetricAlarm", self._names)
        rest = [each for each in self._names if each not in found]
        # Composite alarms are shown only to whoever may describe every alarm, so they are asked for by themselves.
        found |= self._asked("CompositeAlarm", rest, f" for composite alarms ({', '.join(rest)}: no metric alarm)")
        return {name: found.get(name, MISSING) for name in self._names}

    def _asked(self, kind: str, names: Sequence[str], why: str = "") -> dict[str, str]:
        if not names:
            return {}
        with calling(f"cloudwatch:DescribeAlarms{why}"):
            answer = self._cloudwatch.describe_alarms(AlarmNames=list(names), AlarmTypes=[kind], MaxRecords=100)
        return {str(each["AlarmName"]): str(each["StateValue"]) for each in answer.get(f"{kind}s", ())}
