"""Health of load-balancer targets, as it really is: states change by HTTP checks and take their time.

initial → healthy                  one passed check (ELB: "After your target is registered, it must pass one")
healthy ⇄ unhealthy                UnhealthyThresholdCount / HealthyThresholdCount checks in a row
any → draining → (not registered)  until deregistration_delay.timeout_seconds, or earlier once nothing is open
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from localcloud.aws.health_checks import FAILS, Probe, Verdict, check
from localcloud.aws.moto_seams import Books

SHORTEST_DRAIN = 0.3
"""Seconds a target drains even with nothing open, so that a client can see it."""
UNKNOWN_DRAIN = 0.5
"""Seconds a target drains where nobody can say how many connections are open."""

TEXTS = {
    "Elb.RegistrationInProgress": "Target registration is in progress",
    "Elb.InitialHealthChecking": "Initial health checks in progress",
    "Target.DeregistrationInProgress": "Target deregistration is in progress",
    "Target.NotRegistered": "Target is not registered to the target group",
    "Target.NotInUse": "Target group is not configured to receive traffic from the load balancer",
    "Target.FailedHealthChecks": "Health checks failed",
    "Target.Timeout": "Request timed out",
}


@dataclass
class Target:
    """One registered target and what its checks said."""

    group: str
    id: str
    port: int
    state: str = "initial"
    reason: str = "Elb.RegistrationInProgress"
    description: str = TEXTS["Elb.RegistrationInProgress"]
    passed: int = 0
    failed: int = 0
    next_check: float = 0.0
    checking: bool = False
    drain_started: float = 0.0

    def become(self, state: str, reason: str = "", description: str = "") -> None:
        """A new state with its reason, in AWS's words."""
        self.state, self.reason = state, reason
        self.description = description or TEXTS.get(reason, "")


Connections = Callable[[str], "int | None"]
"""Open connections of the load balancer to an instance, or None when unknown."""


class TargetHealth:
    """Every target of every target group."""

    def __init__(
        self,
        books: Books,
        lock: threading.RLock,
        address_of: Callable[[str], str | None],
        connections: Connections,
        check: Callable[[Probe], Verdict] = check,
    ) -> None:
        self._books = books
        self._lock = lock
        self._address_of = address_of
        self._connections = connections
        self._check_by = check
        self.failing: set[str] = set()
        """Instances whose checks fail by request."""
        self._targets: dict[tuple[str, str], Target] = {}
        self._checkers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="health-check")

    def close(self) -> None:
        """Ends the checks."""
        self._checkers.shutdown(wait=False, cancel_futures=True)

    def register(self, group: str, instance_id: str, port: int) -> None:
        """Registers a target; one that is registered already keeps its state, one that drains starts anew."""
        with self._lock:
            known = self._targets.get((group, instance_id))
            if known is None or known.state == "draining" or known.port != port:
                self._targets[group, instance_id] = Target(group, instance_id, int(port))

    def deregister(self, group: str, instance_id: str) -> None:
        """Starts draining; a target that is not registered is no error, as on AWS."""
        with self._lock:
            known = self._targets.get((group, instance_id))
            if known is not None and known.state != "draining":
                known.become("draining", "Target.DeregistrationInProgress")
                known.drain_started = time.monotonic()

    def forget(self, group: str, instance_id: str) -> None:
        """The target is gone without draining."""
        with self._lock:
            self._targets.pop((group, instance_id), None)

    def state(self, group: str, instance_id: str) -> str:
        """The target's state; `unused` when it is not registered."""
        found = self._targets.get((group, instance_id))
        return found.state if found else "unused"

    def of_group(self, group: str) -> list[Target]:
        """The group's targets, draining ones included."""
        with self._lock:
            return [each for each in self._targets.values() if each.group == group]

    def shown(self, group: str, instance_id: str, port: int) -> Target:
        """A target as DescribeTargetHealth shows it."""
        found = self._targets.get((group, instance_id))
        if found is None:
            shown = Target(group, instance_id, port)
            shown.become("unused", "Target.NotRegistered")
            return shown
        if found.state != "draining" and not self._in_use(group):
            shown = Target(group, instance_id, found.port)
            shown.become("unused", "Target.NotInUse")
            return shown
        return found

    def tick(self) -> None:
        """Starts the checks that are due and ends the drains that are over."""
        moment = time.monotonic()
        with self._lock:
            groups = {each.arn: each for each in self._books.target_groups()}
            for key, target in list(self._targets.items()):
                group = groups.get(target.group)
                if group is None or (target.state == "draining" and self._drained(target, group, moment)):
                    del self._targets[key]
                elif target.state != "draining" and not target.checking and moment >= target.next_check:
                    self._start_check(target, group, moment)

    def _in_use(self, group: str) -> bool:
        return bool(self._books.target_group(group).load_balancer_arns)

    def _drained(self, target: Target, group: Any, moment: float) -> bool:
        spent = moment - target.drain_started
        if spent >= float(group.attributes["deregistration_delay.timeout_seconds"]):
            return True
        if self._address_of(target.id) is None:
            return True
        open_now = self._connections(target.id)
        return spent >= UNKNOWN_DRAIN if open_now is None else open_now == 0 and spent >= SHORTEST_DRAIN

    def _start_check(self, target: Target, group: Any, moment: float) -> None:
        address = self._address_of(target.id)
        if address is None or not self._in_use(group.arn):
            return
        target.checking = True
        target.next_check = moment + float(group.health_check_interval_seconds)
        if target.reason == "Elb.RegistrationInProgress":
            target.become("initial", "Elb.InitialHealthChecking")
        probe = Probe.of(group, address, target.port)
        self._checkers.submit(self._check, target, group, probe)

    def _check(self, target: Target, group: Any, probe: Probe) -> None:
        verdict = FAILS if target.id in self.failing else self._check_by(probe)
        with self._lock:
            target.checking = False
            if target.state != "draining":
                _apply(target, verdict, int(group.healthy_threshold_count), int(group.unhealthy_threshold_count))


def _apply(target: Target, verdict: Verdict, to_be_healthy: int, to_be_unhealthy: int) -> None:
    if verdict.passed:
        target.passed, target.failed = target.passed + 1, 0
        if target.state == "initial" or target.passed >= to_be_healthy:
            target.become("healthy")
        return
    target.passed, target.failed = 0, target.failed + 1
    if target.failed >= to_be_unhealthy:
        target.become("unhealthy", verdict.reason, verdict.description)
