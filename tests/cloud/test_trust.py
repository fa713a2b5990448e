"""The trust policy a refusal offers is the one that helps: pasted into the role, it lets the same job in.

Against the local cloud, whose STS verifies tokens and evaluates trust policies as AWS does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from localcloud.aws.account import ACCOUNT
from localcloud.github.issuer import Job
from tests.cloud.identities import ISSUER, Identities, condition_in

HOST = ISSUER.removeprefix("https://")
SOMEBODY_ELSE = {"StringEquals": {f"{HOST}:sub": "repo:somebody/else:pull_request"}}


def refused(identities: Identities) -> str:
    """What a job is told that is not let in."""
    ran = identities.deploy("assume-role")
    assert ran.code == 1
    return ran.text


def let_in(identities: Identities) -> None:
    ran = identities.deploy("assume-role")
    assert ran.code == 0, ran.text
    assert f"in account {ACCOUNT}" in ran.text


@pytest.mark.parametrize(
    "job",
    [
        Job(immutable_subject=False),
        Job(immutable_subject=True),
        Job(environment="production"),
        Job(environment="production", immutable_subject=False),
        Job(environment="eu: blue"),
        Job(event_name="pull_request", ref="refs/pull/7/merge"),
        Job(ref="refs/tags/v1.2.3"),
    ],
    ids=["branch, names", "branch, ids", "environment, ids", "environment, names", "colon", "pull", "tag"],
)
def test_the_condition_a_refusal_offers_lets_the_same_job_in(identities: Identities, job: Job) -> None:
    identities.github.issuer.job = job
    identities.provide()
    identities.trust(SOMEBODY_ELSE)
    text = refused(identities)
    assert f"sub: {job.subject}\n" in text
    identities.trust(condition_in(text))
    let_in(identities)


def test_the_condition_lets_nobody_else_in(identities: Identities) -> None:
    identities.provide()
    identities.trust(SOMEBODY_ELSE)
    identities.trust(condition_in(refused(identities)))
    for other in (
        Job(ref="refs/heads/feature"),
        Job(environment="staging"),
        Job(repository="awesomeorange/other", repository_id="5"),
        Job(immutable_subject=False, repository_id="5"),  # a namesake of a deleted repository
    ):
        identities.github.issuer.job = other
        assert "trust policy" in refused(identities)


def test_the_condition_still_holds_when_the_repository_gets_ids_in_its_subject(identities: Identities) -> None:
    identities.github.issuer.job = Job(immutable_subject=False)
    identities.provide()
    identities.trust(SOMEBODY_ELSE)
    identities.trust(condition_in(refused(identities)))
    identities.github.issuer.job = Job(immutable_subject=True)
    let_in(identities)


MAIN = "ref:refs/heads/main"
OLD, WITH_IDS = "repo:awesomeorange/orange", "repo:awesomeorange@7919/orange@104729"


@pytest.mark.parametrize(
    ("trusted", "job", "said"),
    [
        ({"sub": f"repo:awesomeorange/lemon:{MAIN}"}, Job(), "repository: awesomeorange/orange"),
        ({"sub": f"{WITH_IDS}:{MAIN}"}, Job(ref="refs/heads/feature"), "ref: refs/heads/feature"),
        (
            {"sub": f"{WITH_IDS}:environment:production"},
            Job(),
            "if the role expects `environment:NAME`, add `environment: NAME` to the job",
        ),
        (
            {"sub": f"{WITH_IDS}:{MAIN}"},
            Job(environment="production"),
            "the job names `environment: production`, so `sub` ends in the environment and not in the branch",
        ),
        (
            {"sub": f"{WITH_IDS}:environment:production"},
            Job(environment="staging"),
            "environment: staging",
        ),
        ({"sub": f"{OLD}:{MAIN}"}, Job(), "`sub` carries ids, as in every repository made, renamed or transferred"),
        ({"sub": f"{WITH_IDS}:{MAIN}"}, Job(immutable_subject=False), "`sub` carries no ids"),
        ({"sub": f"{WITH_IDS}:{MAIN}", "repository_id": "5"}, Job(), "repository_id: 104729"),
        ({"sub": f"{WITH_IDS}:{MAIN}"}, Job(event_name="pull_request"), "lets in every pull request"),
    ],
    ids=[
        *("another repository", "another branch", "no environment", "an environment", "another environment"),
        *("ids in sub", "no ids in sub", "another repository of that name", "a pull request"),
    ],
)
def test_what_does_not_match_is_shown_named_and_mended_by_what_is_pasted(
    identities: Identities, trusted: dict[str, str], job: Job, said: str
) -> None:
    identities.github.issuer.job = job
    identities.provide()
    identities.trust(
        {"StringEquals": {f"{HOST}:aud": "sts.amazonaws.com", **{f"{HOST}:{k}": trusted[k] for k in trusted}}}
    )
    text = refused(identities)
    assert said in text
    for shown in (f"sub: {job.subject}", "aud: sts.amazonaws.com", "repository_id: 104729", f"ref: {job.ref}"):
        assert f"  {shown}\n" in text
    assert (f"  environment: {job.environment}\n" in text) == bool(job.environment)
    identities.trust(condition_in(text))
    let_in(identities)


def test_a_condition_that_asks_for_environment_and_branch_lets_in_only_both(identities: Identities) -> None:
    identities.github.issuer.job = job = Job(environment="production")
    identities.provide()
    identities.trust(SOMEBODY_ELSE)
    text = refused(identities)
    added = f'"{HOST}:ref": "refs/heads/main"'
    assert f"to require the branch too, add {added}" in text
    condition: dict[str, Any] = condition_in(text)
    condition["StringEquals"][f"{HOST}:ref"] = "refs/heads/main"
    identities.trust(condition)
    let_in(identities)
    identities.github.issuer.job = replace(job, ref="refs/heads/feature")
    refused(identities)
