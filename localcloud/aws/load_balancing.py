"""The API of target registration and target health (Elastic Load Balancing v2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.aws.errors import AwsError
from localcloud.aws.moto_seams import Books
from localcloud.aws.operations import Handler, Request
from localcloud.aws.target_health import Target, TargetHealth


class LoadBalancing:
    """Handlers of RegisterTargets, DeregisterTargets and DescribeTargetHealth."""

    def __init__(self, books: Books, targets: TargetHealth) -> None:
        self._books = books
        self._targets = targets

    def handlers(self) -> dict[str, Handler]:
        """Operation name → handler."""
        return {
            "RegisterTargets": self.register_targets,
            "DeregisterTargets": self.deregister_targets,
            "DescribeTargetHealth": self.describe_target_health,
        }

    def register_targets(self, request: Request) -> Any:
        """Registers running instances; anything else is InvalidTarget."""
        group = self._books.target_group(request.parameters["TargetGroupArn"])
        targets = request.parameters.get("Targets") or []
        wrong = [each["Id"] for each in targets if not self._books.is_running(each["Id"])]
        if wrong:
            raise AwsError(
                "InvalidTarget",
                f"The following targets are not in a running state and cannot be registered: {wrong}",
            )
        for each in targets:
            self._targets.register(group.arn, each["Id"], int(each.get("Port") or group.port))
        return {}

    def deregister_targets(self, request: Request) -> Any:
        """Starts draining; unknown targets are no error."""
        group = self._books.target_group(request.parameters["TargetGroupArn"])
        for each in request.parameters.get("Targets") or []:
            self._targets.deregister(group.arn, each["Id"])
        return {}

    def describe_target_health(self, request: Request) -> Any:
        """The registered targets, or the named ones; a named one that is not registered is `unused`."""
        group = self._books.target_group(request.parameters["TargetGroupArn"])
        named: list[Mapping[str, Any]] = request.parameters.get("Targets") or []
        asked = [(each["Id"], int(each.get("Port") or group.port)) for each in named]
        asked = asked or [(each.id, each.port) for each in self._targets.of_group(group.arn)]
        shown = [self._targets.shown(group.arn, each, port) for each, port in asked]
        return {"TargetHealthDescriptions": [_view(group, each) for each in shown]}


def _view(group: Any, target: Target) -> dict[str, Any]:
    health = {"State": target.state}
    if target.reason:
        health |= {"Reason": target.reason, "Description": target.description}
    port = group.health_check_port
    return {
        "Target": {"Id": target.id, "Port": target.port},
        "HealthCheckPort": str(target.port if port in (None, "traffic-port") else port),
        "TargetHealth": health,
    }
