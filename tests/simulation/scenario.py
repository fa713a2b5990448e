"""What may happen, as plain values: everything a run of the simulator depends on is in one Scenario."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Policy:
    """The limits of a rollout as the checker knows them; times in seconds."""

    canary: int = 1
    canary_bake: int = 0
    window: int = 33
    window_is_percent: bool = True
    failures: int = 0
    unreachable: int = 0
    bake: int = 0
    instance_timeout: int = 120
    timeout: int = 1800
    auto_rollback: bool = True
    drain: bool = True


@dataclass(frozen=True)
class Behaviour:
    """What a release does, as shares (0 to 1) of the instances it does it on."""

    never_healthy: float = 0.0
    """Its containers never get healthy, so that the instance puts the release before it back."""
    once_unhealthy: float = 0.0
    """As above, but the second try goes well."""
    stuck_after: float = 0.0
    """Where it did not get healthy, the release before it cannot be put back either."""
    unfetchable: float = 0.0
    """Its files or images cannot be had."""
    no_traffic: float = 0.0
    """Healthy on the instance, never for the load balancer."""
    sickens: float = 0.0
    """Turns unhealthy some seconds after it was started."""
    slow: float = 0.0
    """Takes longer than any timeout."""
    alarming: bool = False
    """Alarms go off while something runs it."""


@dataclass(frozen=True)
class Event:
    """Something that befalls the group: `at` seconds after the first run began, to the `pick`-th instance."""

    at: float
    what: str
    pick: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Plot:
    """What befalls a runner at its `at_call`-th call, or the first one after it whose operation has `on` in its name.

    `what`: crash (before the call), crash-after (it was carried out), pause (`seconds`), stop (a signal), second
    (another runner does `second` meanwhile, while this one stands still).
    """

    what: str
    at_call: int
    seconds: float = 0.0
    second: Run | None = None
    on: str = ""


@dataclass(frozen=True)
class Run:
    """One rollout: of which release, how, `waits` seconds after the one before, and what befalls its runner."""

    version: str
    policy: Policy
    waits: float = 0.0
    patience: float = 0.0
    plot: Plot | None = None


@dataclass(frozen=True)
class Troubles:
    """How often a call goes wrong (0 to 1), and how long everything takes (seconds)."""

    throttled: float = 0.0
    lost_reply: float = 0.0
    conflict: float = 0.0
    duplicate: float = 0.0
    undelivered: float = 0.0
    """An order that runs, or not, and of which SSM says DeliveryTimedOut."""
    slow_tail: float = 0.0
    storm_at: float = 0.0
    storm_seconds: float = 0.0
    """A time in which every call to one service is refused; none if 0 seconds long."""
    storm_on: str = "ssm"
    latency: float = 0.03
    fetch: float = 3.0
    swap: float = 6.0
    drain: float = 5.0
    join: float = 5.0


@dataclass(frozen=True)
class Start:
    """The group at the beginning."""

    size: int = 3
    balanced: bool = True
    """It has a target group."""
    hooked: bool = True
    """Newborns wait with a lifecycle hook until they have booted."""
    first_ever: bool = False
    """Nothing was ever rolled out."""
    sick: int = 0
    marked: int = 0
    """The group calls so many unhealthy, though the cause is gone."""
    drifted: int = 0
    standby: int = 0
    silent: int = 0
    pending: int = 0
    alarms: int = 0
    operator_suspended: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """One seed's story."""

    seed: int
    start: Start = field(default_factory=Start)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    runs: tuple[Run, ...] = ()
    troubles: Troubles = field(default_factory=Troubles)
    must_succeed: bool = False
    """Nothing is wrong with the release or the way to the instances, whatever else happens."""
