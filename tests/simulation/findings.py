"""What the checker knows and what it found, shared by its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.host import SECRET
from tests.simulation.watch import Watch

if TYPE_CHECKING:
    from tests.simulation.timeline import Timeline


@dataclass(frozen=True)
class Violation:
    """`invariant`: its number in the list, 0 where the engine stopped itself or fell over; `at`: epoch seconds."""

    invariant: int
    at: float
    what: str


class Findings:
    """Every run watched, and every violation in the order it was found."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.violations: list[Violation] = []
        self.watches: dict[str, Watch] = {}
        self.by_generation: dict[int, Watch] = {}
        self.ever_desired: set[str] = set()
        self.touched_ever: set[str] = set()
        """Instances taken since a run last ended well."""
        self.asked_at: dict[str, float] = {}
        """By instance: when it was last asked what it runs."""

    def violated(self, invariant: int, what: str) -> None:
        self.violations.append(Violation(invariant, self._timeline.now, what))
        self._timeline.tell(f"VIOLATION of {invariant}: {what}")

    def keeps_secret(self, text: str, where: str) -> None:
        if SECRET in text:
            self.violated(11, f"a secret is in {where}")

    def had_its_time(self, watch: Watch, instance_id: str) -> bool:
        """A run gives it up now; who was proven, and does not serve by then, is no canary."""
        if self._timeline.now - watch.flight[instance_id] <= watch.policy.instance_timeout:
            return False
        lifecycle, serves, _ = watch.seen.get(instance_id, ("", False, ""))
        if lifecycle == "InService" and not serves:
            watch.proven_at.pop(instance_id, None)
        return True
