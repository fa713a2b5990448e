"""What the command line may ask of a running cloud; localcloud.control carries it over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from localcloud.control import Call, ControlError
from localcloud.faults import Asked, UnknownFault
from localcloud.resources import Account

if TYPE_CHECKING:
    from localcloud.cloud import Cloud


class Desk:
    """Answers for one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def calls(self) -> dict[str, Call]:
        """Name → call."""
        return {"status": self.status, "scale": self.scale, "fault": self.fault, "job": self.job}

    def status(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Every instance and its state, for a person."""
        del asked
        cloud = self._cloud
        with cloud.lock:
            instances = [
                {
                    "instance": each.instance_id,
                    "state": each.state,
                    "health": each.entry.health_status,
                    "address": each.machine.address if each.machine else "",
                }
                for each in cloud.fleet.members.values()
            ]
        return {"runtime": cloud.choice.name, "group": cloud.options.group, "instances": instances}

    def scale(self, asked: Mapping[str, Any]) -> Any:
        """Sets the group's desired capacity."""
        options = self._cloud.options
        client = Account(self._cloud.server.origin, options.region).client("autoscaling")
        try:
            client.set_desired_capacity(AutoScalingGroupName=options.group, DesiredCapacity=asked["desired"])
        except ClientError as error:
            raise ControlError(error.response["Error"]["Message"]) from error
        return {}

    def fault(self, asked: Mapping[str, Any]) -> Any:
        """Makes something go wrong, or right again."""
        try:
            return {"said": self._cloud.inject(Asked(**asked))}
        except UnknownFault as error:
            raise ControlError(str(error)) from error

    def job(self, asked: Mapping[str, Any]) -> Any:
        """Changes the claims of the job whose token the issuer hands out."""
        issuer = self._cloud.github.issuer
        try:
            issuer.job = replace(issuer.job, **asked)
        except TypeError as error:
            raise ControlError(f"a job has no such claim: {error}") from error
        return {"sub": issuer.job.subject}
