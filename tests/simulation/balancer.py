"""How a target group sees an instance. Kept by nobody: it follows from when the instance moved and when it changed."""

from __future__ import annotations

from tests.simulation.host import Host

FAILS_AFTER = 4.0
"""Seconds of failing health checks until a target counts as unhealthy."""


class Balancer:
    """A target group, or none (`there` is False). `drain` and `join` are seconds."""

    __slots__ = ("drain", "join", "there")

    def __init__(self, there: bool, drain: float, join: float) -> None:
        self.there, self.drain, self.join = there, drain, join

    def state(self, host: Host, now: float) -> str:
        """none, healthy, starting, unhealthy, draining or out."""
        if not self.there:
            return "none"
        if not host.registered:
            return "draining" if now < host.moved_at + self.drain else "out"
        if now < host.moved_at + self.join:
            return "starting"
        if not host.ok:
            return "healthy" if host.changed_at > host.moved_at and now < host.changed_at + FAILS_AFTER else "unhealthy"
        if now < max(host.moved_at, host.changed_at) + self.join:
            return "starting" if host.moved_at >= host.changed_at else "unhealthy"
        return "healthy"

    def serves(self, host: Host, now: float) -> bool:
        """The truth: requests reach it and are answered."""
        if host.lifecycle != "InService":
            return False
        if not self.there:
            return self.answers(host)
        return host.ok and self.state(host, now) == "healthy"

    def answers(self, host: Host) -> bool:
        """Its application does, as far as anybody can know: without a load balancer only the instance itself looks."""
        return host.ok if self.there else host.alive and bool(host.up)
