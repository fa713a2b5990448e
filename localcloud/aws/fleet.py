"""The reconciler of Auto Scaling groups: machines follow the books, states follow the machines.

Each `tick` looks at every group once: what died or is unhealthy is replaced, capacity is met, and each instance moves
on through AWS's lifecycle (Pending → Pending:Wait → InService → Terminating → gone). Suspended processes are honoured.
Slow work (booting, stopping) runs in threads; the tick only looks at its results.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from localcloud.aws.agent import Agent
from localcloud.aws.lifecycle import ABANDON, LAUNCHING, TERMINATING, verdict, waits_for
from localcloud.aws.members import Activity, Member
from localcloud.aws.moto_seams import Books
from localcloud.aws.run_command import RunCommand
from localcloud.aws.target_health import TargetHealth
from localcloud.metadata import MetadataService
from localcloud.runtime import Runtime

RELAUNCH_PAUSE = 2.0
"""Seconds until a group whose machine could not be booted tries again."""

_log = logging.getLogger(__name__)


class Fleet:
    """All instances of all groups of one account and region."""

    def __init__(
        self,
        books: Books,
        runtime: Runtime,
        lock: threading.RLock,
        run_command: RunCommand,
        targets: TargetHealth,
        serve_metadata: Callable[[str, Any, str], MetadataService] | None,
    ) -> None:
        self._books = books
        self._runtime = runtime
        self._lock = lock
        self._run_command = run_command
        self._targets = targets
        self._serve_metadata = serve_metadata
        self._launch_not_before: dict[str, float] = {}
        self.members: dict[str, Member] = {}
        self.activities: list[Activity] = []

    def tick(self) -> None:
        """Looks at every group and every instance once."""
        with self._lock:
            groups = {each.name: each for each in self._books.groups()}
            for group in groups.values():
                self._mark_unhealthy(group)
                self._replace_unhealthy(group)
                self._meet_capacity(group)
            for member in list(self.members.values()):
                self._move_on(member, groups.get(member.group))

    def address_of(self, instance_id: str) -> str | None:
        """Where an instance's ports are found, or None while it has no machine."""
        member = self.members.get(instance_id)
        return member.machine.address if member and member.machine else None

    def kill_machine(self, instance_id: str) -> None:
        """The instance dies: EC2 says terminated, its agent is never heard again, its machine stops."""
        with self._lock:
            self._books.end_instance(instance_id)

    def leave(self, member: Member, cause: str) -> Activity:
        """Starts an instance's way out of its group."""
        if member.leaving is None:
            member.launch.end("Cancelled", cause)
            member.state = "Terminating"
            member.waits = waits_for(self._books.hooks(member.group, TERMINATING))
            member.leaving = self._record(member.group, f"Terminating EC2 instance: {member.instance_id}", cause)
            for arn in member.attached:
                self._targets.deregister(arn, member.instance_id)
        return member.leaving

    # health

    def _mark_unhealthy(self, group: Any) -> None:
        suspended = _suspended(group)
        for member in self._members_of(group):
            if member.leaving is None and not self._books.is_running(member.instance_id):
                self._lose_machine(member)
            if "HealthCheck" not in suspended and self._fails_health_check(group, member):
                member.entry.health_status = "Unhealthy"

    def _fails_health_check(self, group: Any, member: Member) -> bool:
        if not self._books.is_running(member.instance_id):
            return True
        if group.health_check_type != "ELB" or member.state != "InService":
            return False
        if member.seconds_in_service() < (group.health_check_grace_period or 0):
            return False
        states = [self._targets.state(arn, member.instance_id) for arn in group.target_group_arns]
        return any(each not in ("healthy", "initial") for each in states)

    def _lose_machine(self, member: Member) -> None:
        agent = self._run_command.agents.get(member.instance_id)
        if agent is not None and agent.online:
            agent.die()
        self._stop_machine(member)

    def _replace_unhealthy(self, group: Any) -> None:
        if _suspended(group) & {"ReplaceUnhealthy", "Terminate"}:
            return
        for member in self._members_of(group):
            if member.unhealthy and member.leaving is None and member.state != "Standby":
                self.leave(member, "an instance was taken out of service in response to a health check")

    # capacity

    def _meet_capacity(self, group: Any) -> None:
        counted = [each for each in self._members_of(group) if each.counts]
        missing = (group.desired_capacity or 0) - len(counted)
        ready = time.monotonic() >= self._launch_not_before.get(group.name, 0.0)
        if missing > 0 and ready and "Launch" not in _suspended(group):
            for _ in range(missing):
                self._launch(group)
        if missing < 0 and "Terminate" not in _suspended(group):
            for member in _victims(counted, -missing):
                self.leave(member, "a difference between desired and actual capacity, shrinking the group")

    def _launch(self, group: Any) -> None:
        entry = self._books.launch(group, self._emptiest_zone(group))
        launch = self._record(
            group.name,
            f"Launching a new EC2 instance: {entry.instance_id}",
            "a difference between desired and actual capacity, growing the group",
        )
        member = Member(entry.instance_id, group.name, entry, launch)
        member.waits = waits_for(self._books.hooks(group.name, LAUNCHING))
        self.members[member.instance_id] = member
        user_data = self._books.user_data(group)
        threading.Thread(target=self._boot, args=(member, user_data), name="boot", daemon=True).start()

    def _emptiest_zone(self, group: Any) -> str:
        used = Counter(each.entry.availability_zone for each in self._members_of(group) if each.counts)
        zones: list[str] = group.availability_zones
        return min(zones, key=lambda zone: used[zone])

    def _boot(self, member: Member, user_data: str) -> None:
        try:
            if self._serve_metadata is not None:
                member.metadata = self._serve_metadata(member.instance_id, member.entry.instance, user_data)
            port = member.metadata.port if member.metadata else 0
            machine = self._runtime.boot(member.instance_id, user_data, port)
        except Exception as error:  # reported as a failed launch, and tried again
            _log.exception("could not boot %s", member.instance_id)
            member.failure = f"{type(error).__name__}: {error}"
            return
        with self._lock:
            member.machine = machine
            self._run_command.agents[member.instance_id] = Agent(member.instance_id)

    # lifecycle

    def _move_on(self, member: Member, group: Any | None) -> None:
        if group is None and member.leaving is None:
            self.leave(member, "its Auto Scaling group was deleted")
        if member.leaving is not None:
            self._move_out(member, group)
        elif member.failure:
            self._give_up(member, group)
        elif group is not None and member.machine is not None:
            self._move_in(member, group)

    def _move_in(self, member: Member, group: Any) -> None:
        if member.state.startswith("Pending"):
            decided = verdict(member.waits.values())
            if decided == ABANDON:
                member.launch.last_words = self._last_words(member)
                self.leave(member, "a lifecycle hook was abandoned")
                return
            member.state = "Pending:Wait" if not decided else "InService"
        self._attach(member, group)
        if member.state == "InService" and member.in_service_since is None:
            member.in_service_since = time.monotonic()
            member.launch.end("Successful")

    def _last_words(self, member: Member) -> str:
        """The line in which the user data says why it is abandoned; a machine that is gone says nothing."""
        with contextlib.suppress(Exception):
            said = self._runtime.user_data_log(member.instance_id).splitlines()
            return next((line for line in reversed(said) if ABANDON in line), "")
        return ""

    def _attach(self, member: Member, group: Any) -> None:
        """Registers with the group's target groups what is in service, once; takes out what is on standby."""
        wanted = set(group.target_group_arns) if member.state == "InService" else set()
        if "AddToLoadBalancer" not in _suspended(group):
            for arn in wanted - member.attached:
                self._targets.register(arn, member.instance_id, int(self._books.target_group(arn).port))
                member.attached.add(arn)
        for arn in member.attached - wanted:
            self._targets.deregister(arn, member.instance_id)
            member.attached.discard(arn)

    def _give_up(self, member: Member, group: Any | None) -> None:
        self._launch_not_before[member.group] = time.monotonic() + RELAUNCH_PAUSE
        member.launch.end("Failed", member.failure)
        self._stop_machine(member)
        if member.ended:
            self._forget(member, group)

    def _move_out(self, member: Member, group: Any | None) -> None:
        if any(self._targets.state(arn, member.instance_id) == "draining" for arn in member.attached):
            return
        alive = member.machine is not None and not member.ending
        if alive and not verdict(member.waits.values()):
            member.state = "Terminating:Wait"
            return
        booting = member.machine is None and not member.failure
        if booting:
            return  # a machine that is still booting can only be stopped once it is there
        self._stop_machine(member)
        if member.ended:
            self._forget(member, group)

    def _stop_machine(self, member: Member) -> None:
        if not member.ending:
            member.ending = True
            threading.Thread(target=self._end, args=(member,), name="stop", daemon=True).start()

    def _end(self, member: Member) -> None:
        try:
            self._runtime.terminate(member.instance_id)
        except Exception:  # the group must not be stuck on a machine that does not go
            _log.exception("could not terminate %s", member.instance_id)
        if member.metadata is not None:
            member.metadata.close()
        member.ended = True

    def _forget(self, member: Member, group: Any | None) -> None:
        agent = self._run_command.agents.pop(member.instance_id, None)
        if agent is not None:
            agent.die()
        for arn in member.attached:
            self._targets.forget(arn, member.instance_id)
        if group is not None:
            self._books.strike(group, member.instance_id)
        else:
            self._books.end_instance(member.instance_id)
        if member.leaving is not None:
            member.leaving.end("Successful")
        del self.members[member.instance_id]

    # shared

    def _members_of(self, group: Any) -> list[Member]:
        return [each for each in self.members.values() if each.group == group.name]

    def _record(self, group: str, description: str, cause: str) -> Activity:
        activity = Activity(group, description, f"At {time.strftime('%FT%TZ', time.gmtime())} {cause}.")
        self.activities.insert(0, activity)
        return activity


def _suspended(group: Any) -> set[str]:
    return {each["ProcessName"] for each in group.suspended_processes}


def _victims(members: list[Member], count: int) -> list[Member]:
    """Scale-in takes unprotected instances, pending ones first, then from the fullest zone the oldest."""
    left = [each for each in members if not each.entry.protected_from_scale_in]
    chosen: list[Member] = []
    while left and len(chosen) < count:
        zones = Counter(each.entry.availability_zone for each in left)
        victim = min(left, key=lambda each: (each.state == "InService", -zones[each.entry.availability_zone]))
        left.remove(victim)
        chosen.append(victim)
    return chosen
