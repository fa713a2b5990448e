"""One rollout of one group, told in order.

    lease → preflight → record → quiet → (prefetch → canary → window → promote → converge → bake) → resume → record

The part in brackets is `core.decide`, driven by the loop; what surrounds it is here, and is undone in every case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from deployer.core import keys
from deployer.core.actions import Result
from deployer.core.errors import DeployError, LeaseHeld, Refused
from deployer.core.fleet import Fleet
from deployer.core.plan import Limits, Plan, Target
from deployer.core.release import ReleaseRef
from deployer.core.store import Store
from deployer.rollout.desired import DesiredRelease, way_back
from deployer.rollout.lease import Lease
from deployer.rollout.loop import Ending, Loop
from deployer.rollout.patience import patiently, while_held
from deployer.rollout.ports import Clock, Commands, Group, Voice
from deployer.rollout.preflight import check_group, check_limits, not_ok, notes
from deployer.rollout.record import Entry, Last, Record, last_record
from deployer.rollout.report import Report
from deployer.rollout.waiting import Claim, Place, acquire

QUIET = ("HealthCheck", "ReplaceUnhealthy", "AZRebalance")
"""Suspended together while instances are out of their target groups: with ReplaceUnhealthy alone the group would
mark them unhealthy and replace them all on resume (Auto Scaling, "Suspend and resume processes")."""

_ROLLBACK_GOES_ON = "this is a rollback, so it goes on; the alarm counts once it has been OK"
_HALF_DONE = "the rollout before lies half-done, so this one begins; the alarm counts from the first proven instance on"


@dataclass(frozen=True)
class Wish:
    """What is asked for: this release on this group, this carefully, by whom.

    `as_of`: how new the wish is where two runs wait for the group (epoch seconds).
    `rollback`: somebody wants an earlier release back. It comes to a frozen group as well, for a freeze guards against
    new releases, and to one whose alarms are red, which it may be for; its record says that it was one.
    """

    app: str
    release: ReleaseRef
    limits: Limits
    drain: bool
    auto_rollback: bool
    patience: float
    owner: str
    run_url: str
    policy: Mapping[str, object]
    rollback: bool = False
    as_of: float = 0.0


@dataclass(frozen=True)
class World:
    """The ports of one group."""

    group: Group
    commands: Commands
    store: Store
    clock: Clock
    voice: Voice


@dataclass(frozen=True)
class Rolled:
    """The end of a rollout and where it came from."""

    ending: Ending
    group: str
    version: str
    previous_version: str
    """What was desired when it began."""
    generation: int
    """The one it began with: its record's."""
    seconds: float
    signal: int | None
    """The signal that interrupted it, if one did."""


def roll_out(wish: Wish, world: World) -> Rolled:
    """Brings the group to the release, or back; raises DeployError for what fails before anything was changed.

    Raises LeaseHeld when another rollout took over in the middle; the record then says how far this one came.
    """
    check_limits(wish.limits, wish.auto_rollback)
    with _lease(wish, world) as lease:
        desired = DesiredRelease(world.store, wish.app, world.group.name, world.clock, wish.owner)
        fleet = world.group.observe()
        last = last_record(world.store, wish.app, world.group.name)
        _preflight(wish, world, fleet, last)
        plan = _plan(wish, world, lease, desired, fleet, last)
        record = Record(world.store, world.clock, _entry(wish, world, desired, plan, last))
        report = Report(world.voice, world.group.name)
        report.opening(plan, len(fleet.settled))
        excused = not_ok(fleet) if wish.rollback else ()
        loop = Loop(plan, world.group, world.commands, desired, lease, record, report, world.clock, excused)
        with _recorded(record, report), _quiet(plan, world, lease, record):
            ending = loop.run()
        try:
            patiently(world.clock, lambda: record.end(ending.result.value, ending.reason))
        except Refused as error:
            world.voice.warning(f"{world.group.name}: the record has no end", error.what)
        source = desired.before.version if desired.before else ""
        seconds = world.clock.now() - plan.started_at
        about = (world.group.name, plan.target.version, source, plan.target.generation)
        return Rolled(ending, *about, seconds, world.clock.stop_requested())


@contextmanager
def _lease(wish: Wish, world: World) -> Iterator[Lease]:
    name = world.group.name
    with _place(wish, world) as place:
        lease = acquire(place, world.store, keys.lease(wish.app, name), world.clock, wish.patience)
        try:
            place.taken()
            yield lease
        finally:
            try:
                patiently(world.clock, lease.release)
            except Refused as error:  # it expires by itself, and what was done is done
                world.voice.warning(f"{name}: the lease was not released", error.what)


def _place(wish: Wish, world: World) -> Place:
    def say(line: str) -> None:
        world.voice.say(f"{world.group.name}: {line}")

    claim = Claim.new(wish.owner, wish.run_url, wish.release.version, wish.as_of, world.clock.now())
    return Place(world.store, wish.app, world.group.name, world.clock, claim, say)


def _preflight(wish: Wish, world: World, fleet: Fleet, last: Last | None) -> None:
    """Raises DeployError where the group cannot take the release; says what to expect where it can."""
    name = world.group.name
    check_group(name, fleet, wish.limits, wish.rollback, last is not None and last.crashed)
    if fleet.freeze:
        world.voice.warning(f"{name} is frozen", f"{fleet.freeze}; this is a rollback, so it goes on")
    for alarm, state in not_ok(fleet).items():
        world.voice.warning(f"{name}: alarm {alarm} is {state}", _ROLLBACK_GOES_ON if wish.rollback else _HALF_DONE)
    for each in notes(fleet, wish.limits):
        world.voice.say(f"{name}: {each}")


def _plan(wish: Wish, world: World, lease: Lease, desired: DesiredRelease, fleet: Fleet, last: Last | None) -> Plan:
    after_crash = last is not None and last.crashed
    previous = way_back(wish.release.version, desired.before, last)
    return Plan(
        target=Target(wish.release.version, wish.release.manifest_sha256, lease.generation),
        previous=Target(previous.version, previous.manifest_sha256, 0) if previous else None,
        limits=wish.limits,
        drain=wish.drain and fleet.behind_load_balancer,
        auto_rollback=wish.auto_rollback,
        started_at=world.clock.now(),
        after_crash=after_crash,
    )


def _entry(wish: Wish, world: World, desired: DesiredRelease, plan: Plan, last: Last | None) -> Entry:
    return Entry(
        app=wish.app,
        group=world.group.name,
        generation=plan.target.generation,
        owner=wish.owner,
        run_url=wish.run_url,
        started_at=plan.started_at,
        source=desired.before.version if desired.before else "",
        target=plan.target.version,
        way_back=ReleaseRef(plan.previous.version, plan.previous.manifest_sha256) if plan.previous else None,
        policy=wish.policy,
        rollback=wish.rollback,
        suspended=last.suspended if last else (),
    )


@contextmanager
def _recorded(record: Record, report: Report) -> Iterator[None]:
    """Whatever stops the rollout, the record says so."""
    try:
        yield
    except BaseException as error:
        with suppress(Refused):
            record.end(Result.INTERRUPTED.value, error.what if isinstance(error, DeployError) else repr(error))
        raise
    finally:
        report.close()


@contextmanager
def _quiet(plan: Plan, world: World, lease: Lease, record: Record) -> Iterator[None]:
    """The group does not fight the rollout meanwhile; what a dead run left suspended is resumed with the rest.

    Not where the lease was lost: whoever took over relies on the processes being suspended, and resumes them.
    """
    left = record.entry.suspended
    wanted = tuple(each for each in QUIET if plan.drain)
    record.suspending(tuple(dict.fromkeys((*left, *wanted))))
    lease.renew()
    try:
        suspended = world.group.suspend(wanted) if wanted else ()
        record.suspending(tuple(dict.fromkeys((*left, *suspended))))
        yield
    except LeaseHeld:
        raise
    except BaseException:
        _resume(world, lease, record)
        raise
    _resume(world, lease, record)


def _resume(world: World, lease: Lease, record: Record) -> None:
    """What is suspended for us runs again; where AWS says no, a person is told how, and the next run does it.

    Raises LeaseHeld where another run relies on it by now.
    """
    processes = record.entry.suspended
    if not processes:
        return
    try:
        while_held(lease, world.clock, lambda: world.group.resume(processes))
    except Refused as error:
        paste = f"aws autoscaling resume-processes --auto-scaling-group-name {world.group.name} --scaling-processes"
        told = f"{error.what}; the next rollout resumes them, or run: {paste} {' '.join(processes)}"
        world.voice.warning(f"{world.group.name}: {', '.join(processes)} stay suspended", told)
    else:
        with suppress(Refused):  # the record's end says it as well
            record.suspending(())
