"""`plan`: what a rollout would do, changing nothing: no lease, no object written.

Instances are told nothing. Where the release is desired already they are asked what they run, as `status` asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from deployer.aws import reach
from deployer.commands.asked import astray, rows
from deployer.commands.groups import Groups, check_place, open_groups
from deployer.commands.rolling import check_health, check_preview, limits_of
from deployer.core.errors import EXIT_CHANGES, EXIT_DONE, Refused
from deployer.core.fleet import Fleet, Instance
from deployer.core.plan import Limits, Plan, Target, forward_window
from deployer.core.release import Desired, ReleaseRef
from deployer.github.console import Console
from deployer.inputs import RolloutInputs
from deployer.outcome import Outcome
from deployer.rollout.preflight import check_group, check_limits, notes
from deployer.rollout.record import last_record
from deployer.rollout.rehearsal import Kind, Move, rehearse

SHOWN = 20  # names on one line, and lines of one kind in a row


def run(inputs: RolloutInputs, console: Console) -> Outcome:
    """Exit code 0: every group is at the release already; 10: a rollout would change something."""
    check_place(inputs)
    limits = limits_of(inputs)
    check_limits(limits, inputs.auto_rollback)
    groups = open_groups(inputs, console, reach.asking)
    release, ref = groups.unchanged_release(inputs.version, inputs.manifest_sha256, inputs.auto_scaling_group)
    check_health(release.version, release.health, limits)
    check_preview(release.version, release.git.ref, inputs.allow_preview)
    changes = [name for name in inputs.auto_scaling_group if _changes(name, ref, limits, inputs, groups, console)]
    return Outcome(
        exit_code=EXIT_CHANGES if changes else EXIT_DONE,
        outputs={"version": inputs.version, "status": "changes" if changes else "unchanged"},
    )


def _changes(
    name: str, release: ReleaseRef, limits: Limits, inputs: RolloutInputs, groups: Groups, console: Console
) -> bool:
    groups.commands(name).check_there()
    fleet = groups.group(name, inputs.alarms).observe()
    last = last_record(groups.store, inputs.app, name)
    crashed = last is not None and last.crashed
    check_group(name, fleet, limits, half_done=crashed)
    desired = groups.desired(name)
    if desired is not None and desired.release == release and not crashed:
        return _brings_along(name, desired, fleet, groups, console)
    plan = _plan(release, desired, limits, fleet, inputs, crashed)
    source = desired.version if desired and desired.version else "nothing"
    size = len(fleet.settled)
    console.say(f"{name}: {source} → {release.version} on {size} instances, {forward_window(limits, size)} at a time")
    for each in notes(fleet, limits):
        console.say(f"{name}: {each}")
    with console.group(f"{name}: what a rollout would do, if all goes well"):
        for line in lines(plan, fleet, rehearse(plan, fleet)):
            console.say(f"  {line}")
    return True


def _brings_along(name: str, desired: Desired, fleet: Fleet, groups: Groups, console: Console) -> bool:
    """Whether a rollout of what is desired already would change an instance: one with older parameters, for example."""
    console.say(f"{name}: {desired.version} is desired already; a rollout would prove every instance again")
    try:
        wrong = astray(rows(name, groups, fleet, desired))
    except Refused as error:
        console.say(f"{name}: whether each runs it, and with the newest parameters, is not known: {error.what}")
        return False
    for row in wrong:
        console.say(
            f"{name}: it would bring {row['instance']} along: it runs {row['runs'] or 'nothing'} {row['reason']}"
        )
    return bool(wrong)


def _plan(
    release: ReleaseRef, desired: Desired | None, limits: Limits, fleet: Fleet, inputs: RolloutInputs, crashed: bool
) -> Plan:
    return Plan(
        target=Target(release.version, release.manifest_sha256, desired.generation + 1 if desired else 1),
        previous=None,
        limits=limits,
        drain=inputs.drain == "auto" and fleet.behind_load_balancer,
        auto_rollback=inputs.auto_rollback,
        started_at=0.0,
        after_crash=crashed,
    )


def lines(plan: Plan, fleet: Fleet, moves: tuple[Move, ...]) -> Iterator[str]:
    """The moves in words, one a line; of a long row of the same kind only the first ones."""
    for (_, phase), row in groupby(moves, key=lambda move: (move.kind, move.phase)):
        alike = list(row)
        yield from (_line(plan, fleet, each) for each in alike[:SHOWN])
        if len(alike) > SHOWN:
            yield f"{phase}: {len(alike) - SHOWN} times more in this way"


def _line(plan: Plan, fleet: Fleet, move: Move) -> str:
    match move.kind:
        case Kind.PREFETCH:
            return f"prefetch: {_named(fleet, move.ids)}"
        case Kind.TAKE:
            how = "leave the load balancer, change, join it again" if move.drained else "change"
            return f"{move.phase}: {_named(fleet, move.ids)}: {how}"
        case Kind.WATCH:
            return f"{'canary' if move.phase == 'window' else move.phase}: watched for {move.seconds:.0f} s"
        case Kind.PROMOTE:
            return f"promote: {plan.target.version} is the desired release, and new instances boot it"
        case Kind.AWAIT:
            return f"{move.phase}: waits for {_named(fleet, move.ids)}"
        case Kind.END:
            return f"end: {move.said}"


def _named(fleet: Fleet, ids: tuple[str, ...]) -> str:
    shown = ", ".join(_about(fleet.get(each), each) for each in ids[:SHOWN])
    return f"{shown} and {len(ids) - SHOWN} more" if len(ids) > SHOWN else shown


def _about(instance: Instance | None, name: str) -> str:
    """An instance, and what is special about it now."""
    if instance is None:
        return name
    notes = [
        *([f"{instance.lifecycle} now"] if not instance.in_service else []),
        *(["does not serve now"] if instance.in_service and not instance.serving else []),
        *(["marked unhealthy"] if not instance.healthy else []),
        *(["its agent must come back first"] if instance.settled and not instance.online else []),
    ]
    return f"{name} ({', '.join(notes)})" if notes else name
