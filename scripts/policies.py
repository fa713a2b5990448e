"""Looks at every policy of infra/ with parliament, cloudsplaining and rules of our own for trust policies.

    python scripts/policies.py    says each finding that scripts/policy-exceptions.yml does not explain; exit code 1

Templates are resolved with everything turned on, with next to nothing, and with the other choices there are: what a
parameter turns on is looked at too.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from deployer.infra.roles import identity_roles, storage_policy  # noqa: E402 (needs the line above as a script)
from trust_rules import trust_problems  # noqa: E402

ACCOUNT, REGION = "123456789012", "eu-central-1"
LEAST = {
    "App": "orange",
    "Bucket": "orange-releases",
    "AutoScalingGroup": "orange-web",
    "Repository": "acme/orange",
    "RepositoryId": "222",
    "RepositoryOwnerId": "111",
}
FULL = {
    **LEAST,
    "TargetGroup": "orange-web",
    "ParameterName": "/orange/env",
    "RegistryParameterName": "/orange/registry",
    "KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
    "Environment": "production",
    "JanitorEnvironment": "housekeeping",
    "EcrRepository": "orange",
    "AlarmPrefix": "orange-",
}
OTHER = {
    **FULL,
    "ParameterName": "/orange/production/",
    "RegistryParameterName": "/orange/logins/",
    "AlarmPrefix": "*",
    "Environment": "production",
    "Ref": "",
}
CHANGING = ("Deployer", "Janitor")
JANITOR = f"arn:aws:iam::{ACCOUNT}:role/janitor"

CLOUDSPLAINING = (
    "all_allowed_unrestricted_actions",
    "allows_data_exfiltration_actions",
    "allows_privilege_escalation",
    "contains_statement_using_not_action",
    "credentials_exposure",
    "infrastructure_modification",
    "permissions_management_without_constraints",
    "service_wildcard",
    "tagging_actions_without_constraints",
    "write_actions_without_constraints",
)


@dataclass(frozen=True, order=True)
class Finding:
    """What a tool says of one action in one statement."""

    tool: str
    finding: str
    statement: str
    action: str

    def __str__(self) -> str:
        return f"{self.tool}: {self.finding} of {self.action or 'the statement'} in {self.statement}"


def policies() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every policy there is, by what it belongs to."""
    for parameters in (LEAST, FULL, OTHER):
        for role in identity_roles(parameters, ACCOUNT, REGION).values():
            yield from ((role.name, policy) for policy in role.policies.values())
    for more in ({}, {"JanitorRoleArn": JANITOR}):
        yield "bucket", storage_policy({"Bucket": "orange-releases", **more}, ACCOUNT, REGION)


def trusts() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every trust policy there is, by its role's logical id."""
    for parameters in (LEAST, FULL, OTHER):
        yield from ((name, role.trust) for name, role in identity_roles(parameters, ACCOUNT, REGION).items())


def findings(policy: Mapping[str, Any]) -> Iterator[Finding]:
    """What both tools say, statement by statement: neither tells which statement it means."""
    for statement in policy["Statement"]:
        alone = {"Version": policy.get("Version"), "Statement": [statement]}
        yield from _parliament(alone, statement["Sid"])
        yield from _cloudsplaining(alone, statement["Sid"])


def _parliament(policy: Mapping[str, Any], statement: str) -> Iterator[Finding]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports pkg_resources, which warns of its end
        import parliament
    for each in parliament.analyze_policy_string(json.dumps(policy), include_community_auditors=True).findings:
        yield from (Finding("parliament", each.issue, statement, action) for action in _actions(each))


def _actions(finding: Any) -> list[str]:
    """The actions a finding of parliament is about, which it keeps in one of three places; [""] for none."""
    if "actions" in finding.location:
        return [str(each) for each in finding.location["actions"]]
    detail = finding.detail if isinstance(finding.detail, list) else [finding.detail]
    return [str(each["action"] if isinstance(each, dict) and "action" in each else each) for each in detail]


def _cloudsplaining(policy: Mapping[str, Any], statement: str) -> Iterator[Finding]:
    from cloudsplaining.scan.policy_document import PolicyDocument

    document = PolicyDocument(dict(policy))
    for name in CLOUDSPLAINING:
        yield from (Finding("cloudsplaining", name, statement, str(each)) for each in getattr(document, name))


def exceptions() -> frozenset[Finding]:
    """The findings that are explained; raises KeyError for one without a reason."""
    entries = yaml.safe_load((ROOT / "scripts" / "policy-exceptions.yml").read_text(encoding="utf-8"))
    with_reason = [each for each in entries if each["reason"]]
    return frozenset(Finding(each["tool"], each["finding"], each["statement"], each["action"]) for each in with_reason)


def problems() -> list[str]:
    """Everything that is wrong, in words."""
    found = {(where, each) for where, policy in policies() for each in findings(policy)}
    explained = exceptions()
    stale = explained - {each for _, each in found}
    return [
        *(f"{where}: {each}" for where, each in sorted(found) if each not in explained),
        *(f"scripts/policy-exceptions.yml explains what nobody finds: {each}" for each in sorted(stale)),
        *sorted({f"{name}: {each}" for name, policy in trusts() for each in trust_problems(policy, name in CHANGING)}),
    ]


if __name__ == "__main__":
    wrong = problems()
    sys.stdout.write("".join(f"{each}\n" for each in wrong))
    sys.exit(1 if wrong else 0)
