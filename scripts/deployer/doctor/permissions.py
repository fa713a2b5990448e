"""What a role must be allowed, asked of IAM by simulation: nothing is tried.

What has to be allowed is read from infra/identity.yml itself, resolved for this delivery, so that nothing is listed
twice and the fix is the statement that stands there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.aws import ecr, roles, simulation
from deployer.aws.simulation import Decision, Question
from deployer.core.errors import BadInput
from deployer.doctor.finding import Finding, not_checked, ok, problem
from deployer.doctor.situation import Situation
from deployer.infra.roles import identity_roles


def of_deployer(situation: Situation, group: str) -> Iterator[Finding]:
    """A line for each statement the deployer's role needs."""
    principal = _principal(situation)
    if principal is None:
        yield not_checked("the credentials are the account's own (root), which need no permission")
        return
    yield from _statements(situation, group, "Deployer", principal)


def profile(situation: Situation, group: str) -> Finding:
    """The instance profile holds a role."""
    name = situation.launch_template(group).instance_profile
    if role := roles.of_profile(situation.client("iam"), name):
        return ok(role)
    return problem(
        f"the instance profile {name} holds no role",
        f"aws iam add-role-to-instance-profile --instance-profile-name {name} --role-name ROLE",
    )


def of_instance(situation: Situation, group: str) -> Iterator[Finding]:
    """A line for each statement the instances' role needs."""
    name = situation.launch_template(group).instance_profile
    principal = roles.of_profile(situation.client("iam"), name)
    yield from _statements(situation, group, "Instance", principal)


def questions(statement: Mapping[str, Any]) -> Iterator[Question]:
    """What to ask IAM so that it answers yes only if a statement like this one is there."""
    context = dict(_context(statement.get("Condition", {})))
    for resource in _list(statement["Resource"]):
        for action in _list(statement["Action"]):
            yield Question(action, _sample(resource), context)


def _statements(situation: Situation, group: str, role: str, principal: str) -> Iterator[Finding]:
    iam = situation.client("iam")
    try:
        policies = identity_roles(_parameters(situation, group), *_place(situation))[role].policies
    except BadInput as error:  # somebody's own names: what the template cannot give such a role is not ours to ask for
        yield not_checked(f"infra/identity.yml has no role for this: {error.what}")
        return
    for statement in (each for policy in policies.values() for each in policy["Statement"]):
        decided = {each: simulation.decide(iam, principal, each) for each in questions(statement)}
        yield _finding(statement, decided, principal)


def _finding(statement: Mapping[str, Any], decided: Mapping[Question, Decision], principal: str) -> Finding:
    denied = _actions(decided, Decision.DENIED)
    if not denied:
        if unknown := _actions(decided, Decision.UNKNOWN):
            return not_checked(f"IAM says neither yes nor no to {unknown} in a simulation", name=statement["Sid"])
        return ok(_actions(decided, Decision.ALLOWED), statement["Sid"])
    return problem(
        f"{principal} may not {denied}",
        f"update the stack of infra/identity.yml, or add this statement to a policy of it:\n"
        f"{json.dumps(statement, indent=2)}",
        statement["Sid"],
    )


def _actions(decided: Mapping[Question, Decision], wanted: Decision) -> str:
    """The actions decided so, in the order of the statement."""
    return ", ".join(dict.fromkeys(each.action for each, decision in decided.items() if decision is wanted))


def _principal(situation: Situation) -> str | None:
    """Whom IAM can simulate: the role a deploy assumes, else the user or role we are; None for root."""
    if role := situation.inputs.role_chain_to or situation.inputs.role_to_assume:
        return role
    arn = situation.session.caller_arn
    if match := re.fullmatch(r"(arn:[\w-]+):sts::(\d+):assumed-role/([^/]+)/.+", arn):
        return f"{match[1]}:iam::{match[2]}:role/{match[3]}"
    return None if arn.endswith(":root") else arn


def _place(situation: Situation) -> tuple[str, str, str]:
    session = situation.session
    return session.account_id, session.region, session.caller_arn.split(":")[1]


def _parameters(situation: Situation, group: str) -> dict[str, str]:
    """Of infra/identity.yml. What roles are called is asked of nobody; whom they trust, GitHub's token shows."""
    inputs = situation.inputs
    return {
        "App": inputs.app,
        "Bucket": inputs.bucket,
        "AutoScalingGroup": group,
        "RoleNamePrefix": "any",
        "TargetGroup": ",".join(situation.target_groups(group).values()),
        "Document": inputs.document,
        "ParameterName": _parameter_name(inputs.parameters),
        "EcrRepository": _ecr_repository(situation),
        "Repository": situation.console.run.repository or "owner/name",
        "RepositoryId": "1",
        "RepositoryOwnerId": "1",
    }


def _parameter_name(parameters: str) -> str:
    name = parameters.partition(":")[0]
    return f"/{name.lstrip('/')}" if name else ""


def _ecr_repository(situation: Situation) -> str:
    """The image's repository, if it is one of ECR's in this region."""
    for image in situation.images:  # of several services one stands for all
        if ecr.region_of(image.registry) == situation.session.region:
            return image.repository
    return ""


def _context(condition: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """A request that fulfils a condition; raises BadInput for an operator that our templates do not use."""
    for operator, operands in condition.items():
        for key, value in operands.items():
            if operator == "Null":
                if value == "false":
                    yield key, "*"
            elif operator in ("StringEquals", "StringLike"):
                yield key, _sample(_list(value)[0])
            else:
                raise BadInput(f"infra/identity.yml has a condition {operator}", "teach deployer.doctor about it")


def _sample(pattern: str) -> str:
    """Something the pattern matches; `*` alone is how IAM writes no resource at all."""
    return pattern if pattern == "*" else pattern.replace("instance/*", "instance/i-0").replace("*", "0")


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
