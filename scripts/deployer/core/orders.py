"""What instances are told, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from deployer.core.marker import Marker
from deployer.core.plan import Target


@dataclass(frozen=True)
class Order:
    """One subcommand of the loader for one target; `timeout` is the time it may run (seconds).

    `id` is the order's own within its group: an order whose sending got no answer is looked up by it.
    `parameters` names what `status` is to try to read, "" nothing: an older document does not take it.
    """

    id: str
    subcommand: str
    target: Target
    timeout: int
    parameters: str = ""


class Delivery(Enum):
    """What became of an order at one instance."""

    ANSWERED = "answered"  # it ran to its end and left a marker
    SILENT = "silent"  # it ran, or was stopped while it ran, and left no marker
    UNHEARD = "unheard"  # nothing came back in time: it may never have arrived, or have run
    UNREACHABLE = "unreachable"  # it never reached the instance


@dataclass(frozen=True)
class Reply:
    """The end of an order at one instance; `detail` says in SSM's words what happened where no marker does.

    `output`: what it printed, as far as SSM lists it, the marker last.
    """

    instance_id: str
    delivery: Delivery
    marker: Marker | None = None
    detail: str = ""
    output: str = ""


@dataclass(frozen=True)
class Sent:
    """An order on its way to some of its instances: the commands it became, and who could not be sent to."""

    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: tuple[Reply, ...] = ()
