"""One health check of one target: the request a load balancer would make, and its verdict."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Probe:
    """Where to ask and what counts as healthy."""

    protocol: str
    address: str
    port: int
    path: str
    codes: str
    """`200`, `200,302` or `200-399`."""
    timeout: float
    """Seconds."""

    @classmethod
    def of(cls, group: Any, address: str, target_port: int) -> Probe:
        """The probe a target group asks for; `traffic-port` is the target's own."""
        port = group.health_check_port
        return cls(
            protocol=group.health_check_protocol or "HTTP",
            address=address,
            port=target_port if port in (None, "traffic-port") else int(port),
            path=group.health_check_path or "/",
            codes=(getattr(group, "matcher", None) or {}).get("HttpCode", "200"),
            timeout=float(group.health_check_timeout_seconds),
        )


@dataclass(frozen=True)
class Verdict:
    """How a check ended; reason and description are DescribeTargetHealth's."""

    passed: bool
    reason: str = ""
    description: str = ""


FAILS = Verdict(False, "Target.FailedHealthChecks", "Health checks failed")


def check(probe: Probe) -> Verdict:
    """Runs the check; anything but an accepted answer in time is a failure with its reason."""
    try:
        if probe.protocol == "TCP":
            socket.create_connection((probe.address, probe.port), probe.timeout).close()
            return Verdict(passed=True)
        status = _get(probe)
    except TimeoutError:
        return Verdict(False, "Target.Timeout", "Request timed out")
    except (OSError, http.client.HTTPException):
        return FAILS
    if _accepts(probe.codes, status):
        return Verdict(passed=True)
    return Verdict(False, "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


def taken_for_healthy(probe: Probe) -> Verdict:
    """The verdict on an instance that only plays one: nothing listens there."""
    del probe
    return Verdict(passed=True)


def _get(probe: Probe) -> int:
    connection = http.client.HTTPConnection(probe.address, probe.port, timeout=probe.timeout)
    try:
        connection.request("GET", probe.path, headers={"User-Agent": "ELB-HealthChecker/2.0"})
        return connection.getresponse().status
    finally:
        connection.close()


def _accepts(codes: str, status: int) -> bool:
    for each in codes.split(","):
        low, _, high = each.partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False
