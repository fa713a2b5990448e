"""Which instances' SSM agents can be told something."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.aws.refusals import calling

BELIEVED = 600  # seconds
PAGE = 50  # DescribeInstanceInformation: 5 to 50 results a page


@dataclass(frozen=True)
class Agent:
    """One agent as SSM knows it; `ping` is Online, ConnectionLost or Inactive."""

    instance_id: str
    ping: str
    version: str
    is_latest: bool


class Agents:
    """The SSM agents of instances; `ssm` is boto3's client.

    One seen online is believed for ten minutes, or until an order could not reach it: its ping lags by minutes anyway
    (SSM: every 5), so what an undeliverable command says is always newer.
    """

    def __init__(self, ssm: Any, now: Callable[[], float] = time.monotonic) -> None:
        self._ssm, self._now = ssm, now
        self._seen: dict[str, float] = {}

    def online(self, ids: Iterable[str]) -> frozenset[str]:
        """Those of the instances whose agent is online."""
        wanted, now = set(ids), self._now()
        self._seen = {each: at for each, at in self._seen.items() if now - at < BELIEVED}
        unknown = sorted(wanted - self._seen.keys())
        online = _information(self._ssm, unknown, {"Key": "PingStatus", "Values": ["Online"]})
        self._seen |= dict.fromkeys((str(each["InstanceId"]) for each in online), now)
        return frozenset(wanted & self._seen.keys())

    def forget(self, instance_id: str) -> None:
        """An order did not reach this instance: it is asked about anew."""
        self._seen.pop(instance_id, None)


def registered(ssm: Any, ids: Iterable[str]) -> tuple[Agent, ...]:
    """Those of the instances that SSM knows, whether their agent is online or not."""
    return tuple(
        Agent(each["InstanceId"], each["PingStatus"], each.get("AgentVersion", ""), each.get("IsLatestVersion", True))
        for each in _information(ssm, sorted(ids))
    )


def _information(ssm: Any, ids: Sequence[str], *filters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What SSM says of those of the instances that it knows and that pass the filters; a call for each page of ids."""
    found: list[Mapping[str, Any]] = []
    for start in range(0, len(ids), PAGE):
        wanted = [{"Key": "InstanceIds", "Values": ids[start : start + PAGE]}, *filters]
        with calling("ssm:DescribeInstanceInformation"):
            answer = ssm.describe_instance_information(Filters=wanted, MaxResults=PAGE)
        found += answer["InstanceInformationList"]
    return found
