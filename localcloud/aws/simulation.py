"""IAM's simulator: what a role or a user may, by the same evaluation that decides on their requests.

As in IAM, only the policies and the boundary of the one asked about are looked at: no bucket policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate

from localcloud.aws.errors import AwsError
from localcloud.aws.moto_seams import Books
from localcloud.aws.operations import Handler, Request
from localcloud.aws.principals import Owner, owner_of

_DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny"}


class Simulator:
    """The handler of SimulatePrincipalPolicy."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def handlers(self) -> dict[str, Handler]:
        """Operation name → handler."""
        return {"SimulatePrincipalPolicy": self.simulate_principal_policy}

    def simulate_principal_policy(self, request: Request) -> Any:
        """A decision for each action on each resource."""
        asked = request.parameters
        owner = owner_of(self._books, asked["PolicySourceArn"])
        if owner is None:
            raise AwsError("NoSuchEntity", f"The entity {asked['PolicySourceArn']} cannot be found.")
        entries = asked.get("ContextEntries") or []
        keys = {each["ContextKeyName"].lower(): each["ContextKeyValues"][0] for each in entries}
        results = [
            self._result(owner, action, resource, keys)
            for action in asked["ActionNames"]
            for resource in asked.get("ResourceArns") or ["*"]
        ]
        return {"EvaluationResults": results, "IsTruncated": False}

    def _result(self, owner: Owner, action: str, resource: str, keys: Mapping[str, str]) -> dict[str, Any]:
        context = EvalContext(
            principal_arn=owner.arn,
            principal_type=owner.kind,
            principal_account=self._books.account,
            action=action,
            resource_arn=resource,
            region=keys.get("aws:requestedregion", ""),
            source_ip="127.0.0.1",
            secure_transport=True,
            service_context=dict(keys),
        )
        decision = evaluate(context, list(owner.policies), *owner.limits).decision
        return {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": _DECISIONS.get(decision, "implicitDeny"),
            "MatchedStatements": [],
            "MissingContextValues": [],
        }
