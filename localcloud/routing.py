"""Which targets the load balancer sends new requests to, as an Application Load Balancer decides it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from localcloud.aws.target_health import TargetHealth

Address = tuple[str, int]


class Routing:
    """Tells the load balancer whenever the routable targets of one group change."""

    def __init__(
        self,
        targets: TargetHealth,
        address_of: Callable[[str], str | None],
        target_group_arn: str,
        follow: Callable[[Sequence[Address]], None],
    ) -> None:
        self._targets = targets
        self._address_of = address_of
        self._arn = target_group_arn
        self._follow = follow
        self._followed: list[Address] | None = None

    def tick(self) -> None:
        """One look; tells only what changed."""
        routable = self.routable()
        if routable != self._followed:
            self._follow(routable)
            self._followed = routable

    def routable(self) -> list[Address]:
        """Healthy targets; when none is healthy every registered one (an ALB fails open)."""
        registered = [each for each in self._targets.of_group(self._arn) if each.state != "draining"]
        chosen = [each for each in registered if each.state == "healthy"] or registered
        found = [(self._address_of(each.id), each.port) for each in chosen]
        return sorted((address, port) for address, port in found if address is not None)
