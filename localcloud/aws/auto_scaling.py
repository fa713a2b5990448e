"""The API of Auto Scaling where moto keeps only the books: lifecycle actions, capacity limits, activities.

Everything else (describing groups and instances, hooks, suspended processes, tags) is moto's own answer: the fleet
writes the true lifecycle states into moto's books.
"""

from __future__ import annotations

from typing import Any

from localcloud.aws.errors import AwsError
from localcloud.aws.fleet import Fleet
from localcloud.aws.lifecycle import Wait
from localcloud.aws.members import Activity, Member
from localcloud.aws.moto_seams import Books
from localcloud.aws.operations import Handler, Request


class AutoScaling:
    """Handlers of the Auto Scaling operations answered in moto's place."""

    def __init__(self, books: Books, fleet: Fleet) -> None:
        self._books = books
        self._fleet = fleet

    def handlers(self) -> dict[str, Handler]:
        """Operation name → handler."""
        return {
            "CompleteLifecycleAction": self.complete_lifecycle_action,
            "RecordLifecycleActionHeartbeat": self.record_lifecycle_action_heartbeat,
            "SetDesiredCapacity": self.set_desired_capacity,
            "SetInstanceHealth": self.set_instance_health,
            "EnterStandby": self.enter_standby,
            "TerminateInstanceInAutoScalingGroup": self.terminate_instance,
            "DeleteAutoScalingGroup": self.delete_auto_scaling_group,
            "DescribeScalingActivities": self.describe_scaling_activities,
        }

    def complete_lifecycle_action(self, request: Request) -> Any:
        """CONTINUE or ABANDON for one instance's hook."""
        result = request.parameters["LifecycleActionResult"]
        if result not in ("CONTINUE", "ABANDON"):
            raise _invalid(f"Lifecycle action result {result} is neither CONTINUE nor ABANDON")
        self._wait(request).completed = result
        return {}

    def record_lifecycle_action_heartbeat(self, request: Request) -> Any:
        """Starts the hook's time-out anew."""
        self._wait(request).beat()
        return {}

    def set_desired_capacity(self, request: Request) -> Any:
        """Within the group's limits; the fleet follows."""
        group = self._books.group(request.parameters["AutoScalingGroupName"])
        desired = int(request.parameters["DesiredCapacity"])
        if desired > group.max_size:
            raise _invalid(
                f"New SetDesiredCapacity value {desired} is above max value {group.max_size} for the AutoScalingGroup."
            )
        if desired < group.min_size:
            raise _invalid(
                f"New SetDesiredCapacity value {desired} is below min value {group.min_size} for the AutoScalingGroup."
            )
        group.desired_capacity = desired
        return {}

    def set_instance_health(self, request: Request) -> Any:
        """Healthy or Unhealthy; the fleet replaces what is unhealthy."""
        member = self._member(request.parameters["InstanceId"])
        status = request.parameters["HealthStatus"]
        if status not in ("Healthy", "Unhealthy"):
            raise _invalid("Valid instance health states are: [Healthy, Unhealthy].")
        member.entry.health_status = status
        return {}

    def enter_standby(self, request: Request) -> Any:
        """Refused where the group would fall below its minimum size, or for an instance not in service."""
        group = self._books.group(request.parameters["AutoScalingGroupName"])
        ids = request.parameters.get("InstanceIds") or []
        for each in ids:
            state = self._member(each).state
            if state != "InService":
                raise _invalid(f"The instance {each} is not in InService, but in {state}.")
        decrement = str(request.parameters.get("ShouldDecrementDesiredCapacity")).lower() == "true"
        if decrement and group.desired_capacity - len(ids) < group.min_size:
            raise _invalid(
                f"AutoScalingGroup {group.name} has min-size={group.min_size}, max-size={group.max_size}, "
                f"and desired-size={group.desired_capacity}. To place into standby {len(ids)} instances, "
                "please update the AutoScalingGroup sizes appropriately."
            )
        return request.moto()

    def terminate_instance(self, request: Request) -> Any:
        """Starts an instance's way out, with or without a replacement."""
        member = self._member(request.parameters["InstanceId"])
        group = self._books.group(member.group)
        if str(request.parameters.get("ShouldDecrementDesiredCapacity")).lower() == "true":
            if group.desired_capacity <= group.min_size:
                raise _invalid(
                    f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without "
                    "replacement will violate group's min size constraint. Either set "
                    "shouldDecrementDesiredCapacity flag to false or lower group's min size."
                )
            group.desired_capacity -= 1
        activity = self._fleet.leave(member, "an instance was taken out of service by a user request")
        return {"Activity": _activity_view(activity)}

    def delete_auto_scaling_group(self, request: Request) -> Any:
        """With ForceDelete the instances go too; without it a group that has any stays."""
        group = self._books.group(request.parameters["AutoScalingGroupName"])
        force = str(request.parameters.get("ForceDelete")).lower() == "true"
        if group.instance_states and not force:
            raise AwsError(
                "ResourceInUse",
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance "
                "request(s) still in the group.",
            )
        self._books.forget_group(group.name)
        return {}

    def describe_scaling_activities(self, request: Request) -> Any:
        """The group's history, newest first, in pages of at most 100."""
        name = request.parameters.get("AutoScalingGroupName")
        found = [each for each in self._fleet.activities if name in (None, each.group)]
        start = int(request.parameters.get("NextToken") or 0)
        size = int(request.parameters.get("MaxRecords") or 100)
        answer: dict[str, Any] = {"Activities": [_activity_view(e) for e in found[start : start + size]]}
        if start + size < len(found):
            answer["NextToken"] = str(start + size)
        return answer

    def _wait(self, request: Request) -> Wait:
        asked = request.parameters
        hook, token = asked["LifecycleHookName"], asked.get("LifecycleActionToken")
        for member in self._fleet.members.values():
            wait = member.waits.get(hook)
            if wait is None or member.group != asked["AutoScalingGroupName"]:
                continue
            named = asked.get("InstanceId") == member.instance_id or token == wait.token
            if named and member.waiting and not wait.result:
                return wait
        who = f"instance ID {asked['InstanceId']}" if asked.get("InstanceId") else f"token {token}"
        raise _invalid(f"No active Lifecycle Action found with {who}")

    def _member(self, instance_id: str) -> Member:
        found = self._fleet.members.get(instance_id)
        if found is None:
            raise _invalid(f"Instance Id not found - No managed instance found for instance ID {instance_id}")
        return found


def _activity_view(activity: Activity) -> dict[str, Any]:
    view = {
        "ActivityId": activity.id,
        "AutoScalingGroupName": activity.group,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.started_at,
        "StatusCode": activity.status,
        "StatusMessage": activity.message,
        "Progress": 100 if activity.ended_at else 50,
    }
    return view | ({"EndTime": activity.ended_at} if activity.ended_at else {})


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message)
