"""The instances of a group: can they be told something, and what do they say of themselves."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.aws.agents import Agent, registered
from deployer.aws.instance_profiles import of_instances
from deployer.commands.clock import RealClock
from deployer.core.host import READABLE, Host, find_host
from deployer.core.orders import Delivery, Reply
from deployer.doctor.finding import Finding, not_checked, ok, problem, warning
from deployer.doctor.group import in_service
from deployer.doctor.situation import Situation
from deployer.rollout.asking import ask

OLDEST_AGENT = (3, 3, 2746, 0)
"""SSM: the first that hands parameters over as variables (interpolationType ENV_VAR)."""
OLDEST_COMPOSE, OLDEST_DOCKER = (1, 27), (20, 10)
"""Compose 1.27 is the first of its line to read files of any 2.x and 3.x version alike; what is older than these two
nobody tries our scripts on."""
SHOWN = 10  # names on a line

_CAUSES = (
    "on the instance: is the agent running (systemctl status amazon-ssm-agent), does the instance profile's role allow"
    " ssm:UpdateInstanceInformation and ssmmessages:*, and can it reach the region's endpoints ssm and ssmmessages"
    " (NAT, or VPC endpoints whose security group lets 443 in)?"
)


def online(situation: Situation, group: str) -> Finding:
    """Every instance in service has an agent that is online."""
    ids = in_service(situation, group)
    agents = {each.instance_id: each for each in registered(situation.client("ssm"), ids)}
    situation.online[group] = [each for each in ids if each in agents and agents[each].ping == "Online"]
    wrong = [f"{each} ({agents[each].ping if each in agents else 'unknown to SSM'})" for each in ids]
    wrong = [said for each, said in zip(ids, wrong, strict=True) if each not in situation.online[group]]
    if wrong:
        return problem(f"{len(wrong)} of {len(ids)} are not online in SSM: {_some(wrong)}", _CAUSES)
    return ok(f"all {len(ids)} are online")


def profiles(situation: Situation, group: str) -> Finding:
    """Every instance in service has the launch template's instance profile: it keeps the one it was born with."""
    wanted = situation.launch_template(group).instance_profile
    found = of_instances(situation.client("ec2"), in_service(situation, group))
    others = sorted(f"{instance} ({name or 'none'})" for instance, name in found.items() if name != wanted)
    if not others:
        return ok(f"all {len(found)} have the instance profile {wanted}")
    return warning(
        f"{len(others)} of {len(found)} have another instance profile than the launch template's {wanted}, and may not"
        f" be allowed what an order takes: {_some(others)}",
        "for each of them (who has none: aws ec2 associate-iam-instance-profile --iam-instance-profile"
        f" Name={wanted} --instance-id INSTANCE):\n"
        f"aws ec2 replace-iam-instance-profile-association --iam-instance-profile Name={wanted} --association-id"
        ' "$(aws ec2 describe-iam-instance-profile-associations --filters Name=instance-id,Values=INSTANCE'
        " Name=state,Values=associated --query 'IamInstanceProfileAssociations[0].AssociationId' --output text)\"",
    )


def agents(situation: Situation, group: str) -> Finding:
    """Old agents do not hand over parameters as the document wants them."""
    found = registered(situation.client("ssm"), in_service(situation, group))
    old = [f"{each.instance_id} ({each.version})" for each in found if _numbers(each.version) < OLDEST_AGENT]
    if old:
        least = ".".join(map(str, OLDEST_AGENT))
        return problem(
            f"agents older than {least} do not know variables as parameters: {_some(old)}",
            "bake an image with a newer agent, or on the instances: aws ssm send-command"
            " --document-name AWS-UpdateSSMAgent --targets"
            f" Key=tag:aws:autoscaling:groupName,Values={group}",
        )
    return ok(_versions(found))


def hosts(situation: Situation, group: str) -> Iterator[Finding]:
    """One question to all instances, by the order that changes nothing (`status`), and what their answers hold."""
    ids, parameters = situation.online[group], situation.inputs.parameters
    takes = "Parameters" in situation.document.parameters  # one of an older version does not
    replies = ask(situation.groups.commands(group), RealClock(), ids, parameters if takes else "")
    silent = [f"{each} ({_why(replies.get(each))})" for each in ids if not _answered(replies.get(each))]
    if silent:
        yield problem(
            f"{len(silent)} of {len(ids)} do not answer an order: {_some(silent)}",
            "see its output: aws ssm list-command-invocations --details --instance-id INSTANCE",
        )
    answers = {each: find_host(reply.output) for each, reply in replies.items() if _answered(reply)}
    said = {each: host for each, host in answers.items() if host is not None}
    if not silent:
        yield ok(f"all {len(ids)} answer an order of the document")
    yield _installed(group, said)
    yield _parameters(group, parameters, said if takes else {})


def _installed(group: str, said: dict[str, Host]) -> Finding:
    name = f"docker on {group}"
    if not said:
        return not_checked("no instance says what is installed there", name=name)
    wrong = {each: lack for each, host in said.items() if (lack := _lack(host))}
    if wrong:
        return problem(
            _some([f"{each} {lack}" for each, lack in wrong.items()]),
            "bake an image with docker 20.10 or newer, compose (v2, or 1.27 and newer), and the AWS CLI",
            name,
        )
    versions = {f"docker {host.docker}, compose {host.compose}, aws {host.aws}" for host in said.values()}
    return ok("; ".join(sorted(versions)), name)


def _lack(host: Host) -> str:
    """What is missing or too old on one instance; "" if nothing is."""
    if not host.docker:
        return "has no docker engine that answers"
    if not host.compose:
        return "has no compose"
    if not host.aws:
        return "has no AWS CLI"
    if _numbers(host.docker) < OLDEST_DOCKER:
        return f"has docker {host.docker}"
    return f"has compose {host.compose}" if _numbers(host.compose) < OLDEST_COMPOSE else ""


def _parameters(group: str, parameters: str, said: dict[str, Host]) -> Finding:
    name = f"parameters on {group}"
    if not parameters:
        return not_checked("no parameters are given", name=name)
    if not said:
        return not_checked("no instance says whether it can read them", name=name)
    wrong = {each: host.parameters for each, host in said.items() if host.parameters != READABLE}
    if wrong:
        instance, why = next(iter(wrong.items()))
        return problem(
            f"{len(wrong)} of {len(said)} cannot read {parameters}: {instance}: {why or 'it does not say why'}",
            _about_parameters(parameters, why),
            name,
        )
    return ok(f"{parameters} can be read by each", name)


def _about_parameters(parameters: str, why: str) -> str:
    bare = parameters.rstrip("/")
    if "AccessDenied" in why:
        return (
            f"the instance role lacks ssm:GetParameter (of a path: ssm:GetParametersByPath) on parameter{bare}, or"
            " kms:Decrypt on its key: give ParameterName and KmsKeyArn to the stack of infra/identity.yml"
        )
    return (
        "make it, its value from a file nobody else reads: aws ssm put-parameter --type SecureString"
        f" --name {parameters.partition(':')[0]}{'NAME' if parameters.endswith('/') else ''} --value file://.env"
    )


def _answered(reply: Reply | None) -> bool:
    return reply is not None and reply.delivery is Delivery.ANSWERED


def _why(reply: Reply | None) -> str:
    return reply.detail if reply else "no answer within a minute"


def _versions(found: tuple[Agent, ...]) -> str:
    return "version " + ", ".join(sorted({each.version for each in found}))


def _numbers(version: str) -> tuple[int, ...]:
    """`v2.26.1-desktop` as (2, 26, 1); a version nobody can read counts as new."""
    parts = version.lstrip("v").replace("-", ".").replace("+", ".").split(".")
    numbers = [int(each) for each in parts[:4] if each.isdigit()]
    return tuple(numbers) or (999,)


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
