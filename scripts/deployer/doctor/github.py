"""GitHub's side: what the job's token may, and the environment that guards the role."""

from __future__ import annotations

import os

from deployer.doctor.finding import Finding, not_checked, ok, problem, warning
from deployer.doctor.situation import Situation
from deployer.github.repository import Answer, RepositoryReader

NO_JOB = "this is no job of GitHub Actions"


def contents(situation: Situation) -> Finding:
    """`contents: read`: a checkout."""
    if not (reader := _reader(situation)):
        return _no_token(situation)
    if reader.commit(situation.console.run.sha) is Answer.YES:
        return ok("the job's token reads the repository")
    return problem("the job's token may not read the repository", "give the job `permissions: contents: read`")


def deployments(situation: Situation) -> Finding:
    """`deployments: write`: seeing them is all that can be tried without making one."""
    if not (reader := _reader(situation)):
        return _no_token(situation)
    if reader.deployments() is Answer.YES:
        return ok("the job's token sees Deployments; whether it may record one shows at the first rollout")
    return warning(
        "the job's token may not see Deployments, so a rollout will not be recorded as one",
        "give the job `permissions: deployments: write`, or the rollout github-deployment: false",
    )


def environment(situation: Situation) -> Finding:
    """Who may run the job that the role trusts is decided by its environment."""
    name, run = situation.environment, situation.console.run
    if not name:
        return not_checked("neither the job nor `environment` names one")
    if not (reader := _reader(situation)):
        return _no_token(situation)
    answer, protection = reader.environment(name)
    if answer is Answer.NOT_ALLOWED:
        return not_checked("it takes `permissions: actions: read`, which a deploy does not")
    if answer is Answer.NOT_THERE:
        return problem(
            f"there is no environment {name} in {run.repository}",
            f"gh api --method PUT repos/{run.repository}/environments/{name}"
            " -F 'deployment_branch_policy[protected_branches]=true'"
            " -F 'deployment_branch_policy[custom_branch_policies]=false'",
        )
    if not protection:
        return warning(
            f"{name} has no protection: every branch's runs may name it",
            f"gh api --method PUT repos/{run.repository}/environments/{name}"
            " -F 'deployment_branch_policy[protected_branches]=true'"
            " -F 'deployment_branch_policy[custom_branch_policies]=false'",
        )
    return ok(f"{name}: {', '.join(protection)}")


def _reader(situation: Situation) -> RepositoryReader | None:
    token = situation.inputs.github_token or os.environ.get("GITHUB_TOKEN", "")
    if not situation.console.run.repository or not token:
        return None
    return RepositoryReader(situation.console.run, os.environ.get("GITHUB_API_URL", ""), token)


def _no_token(situation: Situation) -> Finding:
    return not_checked("there is no github-token" if situation.in_job else NO_JOB)
