"""What IAM says that a role may do, without doing it: iam:SimulatePrincipalPolicy.

The simulation looks at the role's own policies and its boundary. Bucket policies, key policies and the rules of an
organisation are not in it, so "allowed" here is what the role can give, not yet what every other side grants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from deployer.aws.refusals import calling


@dataclass(frozen=True)
class Question:
    """May it do this, on that, when the request says so? `resource` is a whole ARN, or `*`."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, hash=False)


class Decision(Enum):
    """IAM's answer."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"  # a condition asks for what we did not say, so its no is none


def decide(iam: Any, principal_arn: str, question: Question) -> Decision:
    """What IAM says; raises Denied where the caller may not ask.

    One action a call: actions that differ in what decides about them may not be asked about together.
    """
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in question.context.items()
    ]
    with calling(f"iam:SimulatePrincipalPolicy on {principal_arn}"):
        answer = iam.simulate_principal_policy(
            PolicySourceArn=principal_arn,
            ActionNames=[question.action],
            ResourceArns=[question.resource],
            ContextEntries=entries,
        )
    result = answer["EvaluationResults"][0]
    if result["EvalDecision"] == "allowed":
        return Decision.ALLOWED
    return Decision.UNKNOWN if result.get("MissingContextValues") else Decision.DENIED
