"""One instance of a group, from the books' entry to the machine that plays it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localcloud.aws.commands import now
from localcloud.aws.lifecycle import Wait
from localcloud.metadata import MetadataService
from localcloud.runtime import Machine


@dataclass
class Activity:
    """One line of a group's scaling history."""

    group: str
    description: str
    cause: str
    status: str = "InProgress"
    message: str = ""
    last_words: str = ""
    """What an abandoned instance said on its console; an activity of AWS says nothing of it."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started_at: datetime = field(default_factory=now)
    ended_at: datetime | None = None

    def end(self, status: str, message: str = "") -> None:
        """Successful, Failed or Cancelled; a second end changes nothing."""
        if self.ended_at is None:
            self.status, self.message, self.ended_at = status, message, now()


@dataclass
class Member:
    """An instance the fleet looks after. `entry` is moto's record, whose lifecycle state clients see."""

    instance_id: str
    group: str
    entry: Any
    launch: Activity
    waits: dict[str, Wait] = field(default_factory=dict)
    metadata: MetadataService | None = None
    machine: Machine | None = None
    failure: str = ""
    """Why the machine could not be booted."""
    in_service_since: float | None = None
    attached: set[str] = field(default_factory=set)
    """Target groups the fleet registered the instance with."""
    leaving: Activity | None = None
    ending: bool = False
    """The machine is being stopped."""
    ended: bool = False

    @property
    def state(self) -> str:
        """The lifecycle state, in AWS's words."""
        state: str = self.entry.lifecycle_state
        return state

    @state.setter
    def state(self, value: str) -> None:
        self.entry.lifecycle_state = value

    @property
    def waiting(self) -> bool:
        """Whether lifecycle hooks hold the instance (already while it boots, as user data may be quick)."""
        return self.state.startswith(("Pending", "Terminating"))

    @property
    def unhealthy(self) -> bool:
        """Whether the group counts the instance as unhealthy."""
        return bool(self.entry.health_status == "Unhealthy")

    @property
    def counts(self) -> bool:
        """Whether the instance counts towards the desired capacity."""
        return self.leaving is None and self.state != "Standby"

    def seconds_in_service(self) -> float:
        """Seconds since the instance entered service."""
        return time.monotonic() - self.in_service_since if self.in_service_since is not None else 0.0
