"""What IAM says that a role may do, without doing it: iam:SimulatePrincipalPolicy.

The simulation looks at the role's own policies and its boundary. Bucket policies, key policies and the rules of an
organisation are not in it, so "allowed" here is what the role can give, not yet what every other side grants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deployer.aws.refusals import calling


@dataclass(frozen=True)
class Question:
    """May it do these things, on that, when the request says so? `resource` is a whole ARN, or `*`."""

    actions: tuple[str, ...]
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def denied(iam: Any, principal_arn: str, question: Question) -> tuple[str, ...]:
    """Those of the actions that IAM answers with no; raises Denied where the caller may not ask."""
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in question.context.items()
    ]
    with calling(f"iam:SimulatePrincipalPolicy on {principal_arn}"):
        answer = iam.simulate_principal_policy(
            PolicySourceArn=principal_arn,
            ActionNames=list(question.actions),
            ResourceArns=[question.resource],
            ContextEntries=entries,
        )
    results = answer["EvaluationResults"]
    return tuple(str(each["EvalActionName"]) for each in results if each["EvalDecision"] != "allowed")


def role_of_profile(iam: Any, name: str) -> str:
    """The ARN of the role in an instance profile; "" where it has none."""
    with calling(f"iam:GetInstanceProfile of {name}"):
        roles = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    return str(roles[0]["Arn"]) if roles else ""
