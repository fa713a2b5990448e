"""CloudWatch alarms on the group: set by events, and by releases that misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World


class Alarms:
    """`names` as a rollout watches them; the first one also sees what a release does."""

    __slots__ = ("_forced", "names", "world")

    def __init__(self, world: World, count: int) -> None:
        self.world = world
        self.names = tuple(f"alarm-{at}" for at in range(count))
        self._forced: dict[str, tuple[str, float]] = {}

    def force(self, pick: int, state: str, seconds: float) -> None:
        if self.names:
            self._forced[self.names[pick % len(self.names)]] = (state, self.world.timeline.now + seconds)

    def states(self) -> dict[str, str]:
        now = self.world.timeline.now
        states = dict.fromkeys(self.names, "OK")
        if states and any(self.world.releases.of(each.up).alarming for each in self.world.hosts.values()):
            states[self.names[0]] = "ALARM"
        for name, (state, until) in self._forced.items():
            if now < until:
                states[name] = state
        return states
