"""What the checker knows of one run: the policy it must hold, what it was shown, what it took."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from tests.simulation.scenario import Policy


class Seen(Protocol):
    """An instance as an observation shows it to a run; read, never asked what it means."""

    @property
    def id(self) -> str: ...
    @property
    def lifecycle(self) -> str: ...
    @property
    def healthy(self) -> bool: ...
    @property
    def online(self) -> bool: ...
    @property
    def traffic(self) -> Any: ...


@dataclass(frozen=True)
class Told:
    """The marker of an instance as a run was shown it."""

    outcome: str
    version: str
    generation: int
    reason: str = ""


def marker_in(output: str) -> Told | None:
    """Read from the contract, not with the product's reader."""
    last = output.rstrip().rpartition("\n")[2]
    if not last.startswith("deployer: "):
        return None
    fields = json.loads(last.removeprefix("deployer: "))
    return Told(fields["outcome"], fields["version"], fields["generation"], fields["reason"])


class Watch:
    """One run, from its first call to its end. `forward`, `generation`: read off the leases it wrote."""

    def __init__(self, runner: str, version: str, policy: Policy) -> None:
        self.runner, self.version, self.policy = runner, version, policy
        self.before, self.ways_back = "", {""}
        self.forward = self.generation = 0
        self.lease_id = ""
        self.leased_at: float | None = None
        self.turned_at: float | None = None
        self.overtaken = self.finished = self.tidied = False
        self.result = ""
        self.acted = False
        """It took an instance out of service."""
        self.seen: dict[str, tuple[str, bool, str]] = {}
        """By instance, at the last observation: lifecycle, whether it served, its traffic."""
        self.offline: set[str] = set()
        """Whose agent was not online then."""
        self.settled = self.widest = 0
        self.flight: dict[str, float] = {}
        """Taken, and not known to be back: since when."""
        self.touched: set[str] = set()
        self.waiting: set[str] = set()
        """Taken out of the load balancer to be told something, and not told yet."""
        self.left: dict[str, float] = {}
        """Instances that an observation did not show any more: when. What they were told before is told them anew."""
        self.markers: dict[str, Told] = {}
        self.fetched: set[str] = set()
        """Where its prefetch went well, as it was shown in time."""
        self.failed: set[str] = set()
        self.unreached: set[str] = set()
        self.unknown: set[str] = set()
        """Whom SSM did not know, when an order was sent piece by piece: unreached from the next observation on."""
        self.ambiguous: set[str] = set()
        self.looks_out: dict[str, int] = {}
        """Looks in a row at which an instance was out although it runs what it ran before."""
        self.attempted: set[str] = set()
        """Where its release was begun to be run."""
        self.proven_at: dict[str, float] = {}
        self.served: set[str] = set()
        self.alarming: list[str] = []
        """The alarms that were not OK at the last observation."""
        self.promoted = False

    @property
    def goes_back(self) -> bool:
        return self.generation > self.forward

    @property
    def targets(self) -> set[str]:
        """What it may tell instances to run now."""
        return self.ways_back if self.goes_back else {self.version}

    @property
    def takes_down(self) -> bool:
        """There is no release to go back to: nothing is to run, so nothing is to serve."""
        return self.goes_back and self.ways_back == {""}

    @property
    def stopped(self) -> set[str]:
        """Touched, and said last that it runs nothing, even if its containers got up since."""
        return {each for each, told in self.markers.items() if not told.version and each in self.touched}

    def looks(self, instances: Iterable[Seen], now: float) -> None:
        seen: dict[str, tuple[str, bool, str]] = {}
        settled = 0
        self.offline.clear()
        for each in instances:
            lifecycle, traffic = each.lifecycle, each.traffic.value
            well = each.healthy or each.id in self.proven_at  # once proven, a mark of the group keeps no requests away
            serves = lifecycle == "InService" and (traffic == "healthy" or (traffic == "none" and well))
            seen[each.id] = (lifecycle, serves, traffic)
            if not lifecycle.startswith(("Pending", "Terminat")):
                settled += 1
            if not each.online:
                self.offline.add(each.id)
        self.left.update(dict.fromkeys(self.seen.keys() - seen.keys(), now))
        self.seen, self.settled = seen, settled

    @property
    def forward_window(self) -> int:
        policy, size = self.policy, self.settled
        return max(1, size * policy.window // 100 if policy.window_is_percent else min(policy.window, size))

    def window(self) -> int:
        """How many may be out at once: percent rounds down but not to none; on the way back twice, or a third."""
        size, forward = self.settled, self.forward_window
        if not self.goes_back:
            return forward
        return min(max(1, size), max(2 * forward, math.ceil(size / 3)))

    def left_since(self, instance_id: str, moment: float) -> bool:
        """It was missing from an observation after that."""
        return self.left.get(instance_id, 0.0) > moment

    def serves(self, instance_id: str) -> bool:
        """As far as the run was shown."""
        return self.seen.get(instance_id, ("", False, ""))[1]

    def down(self) -> set[str]:
        """In service and not serving, as far as the run was shown."""
        return {each for each, (lifecycle, serves, _) in self.seen.items() if lifecycle == "InService" and not serves}
