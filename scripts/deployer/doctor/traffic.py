"""The target groups of a group: do instances answer the load balancer, how soon are they in, how gently out."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from deployer.aws import target_settings
from deployer.doctor.finding import Finding, not_checked, ok, problem, warning
from deployer.doctor.situation import Situation
from deployer.image import compose

LONG = (
    120  # seconds an instance stays out of service for its health checks or its drain alone, and nobody would mean it
)
GRACE = 10.0  # seconds between SIGTERM and SIGKILL, where a service does not say (compose)


def replacement(situation: Situation, group: str) -> Finding:
    """Before a first release no instance is healthy, and with ELB's word the group would replace every one of them."""
    kind = situation.group(group).health_check_type
    if "ELB" in kind and situation.desired(group) is None:
        return warning(
            "the group replaces what the load balancer finds unhealthy, which is every instance until a release runs",
            "until the first release runs: aws autoscaling update-auto-scaling-group"
            f" --auto-scaling-group-name {group} --health-check-type EC2",
        )
    return ok(f"by {kind} health checks")


def health(situation: Situation, group: str, arn: str) -> Finding:
    """What the load balancer says of the instances, once a release runs there."""
    targets = target_settings.targets(situation.client("elbv2"), arn)
    unused = [each.instance_id for each in targets if each.reason == "Target.NotInUse"]
    if unused and len(unused) == len(targets):
        return warning(
            "no listener forwards to it", "add a rule or a default action to a listener of the load balancer"
        )
    if situation.desired(group) is None:
        return not_checked("nothing was released yet; a rollout waits for it on each instance")
    wrong = [each for each in targets if each.state in ("unhealthy", "unavailable")]
    if unused and not wrong:
        return warning(
            f"{', '.join(unused)} gets no requests: the load balancer is not enabled in its availability zone",
            "give the load balancer a subnet there (aws elbv2 set-subnets), or take the zone from the group",
        )
    if not wrong:
        return ok(f"{sum(each.state == 'healthy' for each in targets)} of {len(targets)} targets are healthy")
    first = wrong[0]
    return problem(
        f"{len(wrong)} of {len(targets)} targets are unhealthy:"
        f" {first.instance_id}: {first.description or first.reason}",
        "see what it asks: aws elbv2 describe-target-groups --target-group-arns"
        f" {arn}\nand on the instance whether that path answers; then: {_set_path(arn, 'PATH')}",
    )


def path(situation: Situation, arn: str) -> Finding:
    """The load balancer asks for what the instance itself is asked for."""
    found, wanted = situation.target_settings(arn), _path_of(situation.inputs.health_check)
    if not found.path:
        return warning(
            f"it checks whether {found.protocol} connects, not whether the application answers",
            f"aws elbv2 modify-target-group --health-check-protocol HTTP --health-check-path {wanted or '/'}"
            f" --target-group-arn {arn}",
        )
    if wanted and found.path != wanted:
        return warning(
            f"the load balancer asks for {found.path}, and health-check for {wanted}: one may be wrong",
            _set_path(arn, wanted),
        )
    return ok(f"{found.path} must answer {found.codes or '200'}")


def thresholds(situation: Situation, arn: str) -> Finding:
    """How long an instance waits for the load balancer after its release is healthy."""
    found = situation.target_settings(arn)
    seconds = found.interval * found.healthy_after
    said = f"{found.healthy_after} good checks, one every {found.interval} s: {seconds} s"
    if seconds > LONG:
        return warning(
            f"{said}, which every instance waits out of service",
            "aws elbv2 modify-target-group --health-check-interval-seconds 10 --healthy-threshold-count 2"
            f" --target-group-arn {arn}",
        )
    return ok(f"{said} until an instance takes part")


def draining(situation: Situation, arn: str) -> Finding:
    """Requests under way may finish, for as long as containers would let them, and nobody waits much longer."""
    delay, grace = target_settings.drain_seconds(situation.client("elbv2"), arn), _stop_grace(situation)
    if grace is not None and delay < grace:
        return warning(
            f"an instance leaves after {delay} s; its containers would give requests {grace:g} s (stop_grace_period)",
            _set_delay(arn, int(grace) + 1),
        )
    if delay > LONG:
        return warning(
            f"up to {delay} s for each instance that leaves, if a connection stays open", _set_delay(arn, 30)
        )
    more = "" if grace is None else f", stop_grace_period {grace:g} s"
    return ok(f"{delay} s for requests under way{more}")


def _path_of(url: str) -> str:
    return (urlsplit(url).path or "/") if url else ""


def _stop_grace(situation: Situation) -> float | None:
    """The longest of the compose files' services; None where the files are not here."""
    files = [Path(each) for each in situation.inputs.compose_files]
    if not all(each.is_file() for each in files):
        return None
    services = compose.read([str(each) for each in files], lambda path: Path(path).read_bytes()).services
    return max(each.stop_grace or GRACE for each in services.values())


def _set_path(arn: str, wanted: str) -> str:
    return f"aws elbv2 modify-target-group --health-check-path {wanted} --target-group-arn {arn}"


def _set_delay(arn: str, seconds: int) -> str:
    return (
        "aws elbv2 modify-target-group-attributes"
        f" --attributes Key=deregistration_delay.timeout_seconds,Value={seconds} --target-group-arn {arn}"
    )
