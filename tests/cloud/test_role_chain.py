"""A second role, assumed by the first one or by the ambient credentials, and held to what the command reaches."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from moto.sts.models import sts_backends

from deployer import __version__
from deployer.aws.reach import publishing
from deployer.aws.session import Session, open_session
from deployer.github.console import console_for
from deployer.inputs import Access
from localcloud.aws.account import ACCOUNT
from tests.cloud.identities import ISSUER, REGION, ROLE, Identities
from tests.waiting import eventually

SECOND = f"arn:aws:iam::{ACCOUNT}:role/shop-admin"
CHAINED = ("assume-role", "--role-chain-to", SECOND, "--role-external-id", "tenant-7")


@pytest.fixture
def chained(identities: Identities) -> Identities:
    """Every job may be the first role; whoever is of the account and knows the external id may be the second."""
    identities.provide()
    identities.trust({"StringLike": {f"{ISSUER.removeprefix('https://')}:sub": "repo:*"}})
    trusting = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "tenant-7"}},
    }
    identities.trust_by("shop-admin", trusting)
    identities.allow_chaining("shop-deploy", SECOND)
    return identities


@pytest.fixture
def user(chained: Identities, monkeypatch: pytest.MonkeyPatch) -> str:
    """Ambient credentials, as a shell has them; the user's ARN."""
    key, secret = chained.make_user("somebody")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    return f"arn:aws:iam::{ACCOUNT}:user/somebody"


def opened(identities: Identities, **wanted: object) -> Session:
    access = Access(role_chain_to=SECOND, role_external_id="tenant-7", **wanted)  # type: ignore[arg-type]
    console = console_for(identities.job, machine_readable=False)
    return open_session(access, console, identities.job, publishing("orange", "orange-releases"))


def test_the_job_ends_as_the_second_role_and_says_so(chained: Identities) -> None:
    ran = chained.deploy(*CHAINED)
    assert ran.code == 0, ran.text
    assert f"{SECOND} in account {ACCOUNT}, {REGION}" in ran.text
    assert re.search(rf"role-arn<<(\w+)\n{SECOND}\n\1\n", ran.text)
    assert re.search(r"expires-at<<(\w+)\n\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n\1\n", ran.text)
    assert opened(chained, role_to_assume=ROLE).caller_arn == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/shop-admin/gha-77-2"
    )


def test_every_call_of_a_chain_carries_the_run(chained: Identities) -> None:
    assert chained.deploy(*CHAINED, "--allowed-account-ids", ACCOUNT).code == 0
    ours = [each for each in chained.asked if each.operation.startswith("sts:")]
    assert [each.operation for each in ours] == [
        *("sts:AssumeRoleWithWebIdentity", "sts:AssumeRole", "sts:GetCallerIdentity")
    ]
    assert all(f"awesomeorange-deploy/{__version__} run/77-2" in each.user_agent for each in ours)


def test_exported_are_the_second_roles_credentials(chained: Identities, tmp_path: Path) -> None:
    assert chained.deploy(*CHAINED, "--export-credentials", "true").code == 0
    exported = re.search(r"AWS_ACCESS_KEY_ID<<(\w+)\n(\w+)\n\1\n", (tmp_path / "environment").read_text())
    assert exported
    session = sts_backends[ACCOUNT]["aws"].get_assumed_role_from_access_key(exported[2])
    assert session is not None
    assert session.role_arn == SECOND
    assert f"::add-mask::{session.secret_access_key}" in chained.ran[-1].shown
    assert chained.ran[-1].shown.count(session.secret_access_key) == 1


def test_each_session_is_held_to_its_part_of_the_way(chained: Identities) -> None:
    opened(chained, role_to_assume=ROLE)
    first, second = sts_backends[ACCOUNT]["aws"].assumed_roles[-2:]
    assert (first.role_arn, second.role_arn) == (ROLE, SECOND)
    assert SECOND in first.policy
    assert "orange-releases" not in first.policy
    assert "orange-releases/orange/releases/*" in second.policy
    opened(chained, role_to_assume=ROLE, narrow_session=False)
    assert {each.policy for each in sts_backends[ACCOUNT]["aws"].assumed_roles[-2:]} == {""}


def test_a_shells_own_credentials_assume_the_role_without_any_token(chained: Identities, user: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole"}
    chained.trust_by("shop-admin", statement)
    ran = chained.deploy(*CHAINED, INPUT_ROLE_TO_ASSUME="", GITHUB_ACTIONS="", ACTIONS_ID_TOKEN_REQUEST_URL="")
    assert ran.code == 0, ran.text
    assert SECOND in ran.text
    assert not chained.tokens


def test_a_shell_whose_user_is_not_trusted_is_told_both_sides(chained: Identities, user: str) -> None:
    ran = chained.deploy(*CHAINED[:3], INPUT_ROLE_TO_ASSUME="")
    assert ran.code == 1
    assert f"sts:AssumeRole was refused: {user} may not assume {SECOND}" in ran.text


def test_a_chain_renews_itself_from_its_beginning(chained: Identities) -> None:
    chained.sts.sessions.lasting = 6
    session = opened(chained, role_to_assume=ROLE)
    used = _key_in_use(chained, session)
    first = used()
    assert len(chained.tokens) == 1
    second = eventually("a second session", lambda: used() if used() != first else "")
    eventually("a third one", lambda: used() not in (first, second))
    assert len(chained.tokens) >= 2, "the first role's session cannot have lived that long"
    assert chained.deploy(*CHAINED).code == 0


def _key_in_use(identities: Identities, session: Session) -> Callable[[], str]:
    def used() -> str:
        session.client("sts").get_caller_identity()
        return identities.asked[-1].access_key

    return used
