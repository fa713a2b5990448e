"""Which instances' SSM agents can be told something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deployer.aws.refusals import calling

PAGE = 50  # DescribeInstanceInformation: 5 to 50 results a page


class Agents:
    """The SSM agents of instances; `ssm` is boto3's client.

    An agent once seen online is not asked for again: its ping lags by minutes (SSM: every 5 minutes), so a later
    answer says nothing an undeliverable command does not say better.
    """

    def __init__(self, ssm: Any) -> None:
        self._ssm = ssm
        self._online: set[str] = set()

    def online(self, ids: Iterable[str]) -> frozenset[str]:
        """Those of the instances whose agent is online."""
        wanted = set(ids)
        unknown = sorted(wanted - self._online)
        for start in range(0, len(unknown), PAGE):
            self._online |= self._ask(unknown[start : start + PAGE])
        return frozenset(wanted & self._online)

    def _ask(self, ids: list[str]) -> set[str]:
        with calling("ssm:DescribeInstanceInformation"):
            answer = self._ssm.describe_instance_information(
                Filters=[{"Key": "InstanceIds", "Values": ids}, {"Key": "PingStatus", "Values": ["Online"]}],
                MaxResults=PAGE,
            )
        return {str(each["InstanceId"]) for each in answer["InstanceInformationList"]}
