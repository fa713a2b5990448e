"""Inputs that say who to be are checked before anything is asked, and say what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployer import __version__
from deployer.aws.client_config import client_config
from deployer.aws.reach import publishing
from deployer.aws.role_request import RoleRequest, roles_from
from deployer.aws.session import Session, open_session
from deployer.core.errors import BadInput
from deployer.github.console import console_for
from deployer.inputs import Access

ROLE = "arn:aws:iam::123456789012:role/shop-deploy"
REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A shell that has no AWS configuration whatsoever."""
    for name in ("PROFILE", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION", "DEFAULT_REGION"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("ENDPOINT_URL", "ENDPOINT_URL_S3", "WEB_IDENTITY_TOKEN_FILE", "ROLE_ARN"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", raising=False)
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")


def first(access: Access, run_tag: str) -> RoleRequest:
    request = roles_from(access, run_tag, REGION).by_token
    assert request is not None
    return request


def opened(environment: dict[str, str] | None = None, **inputs: Any) -> Session:
    job = console_for(environment or {}, machine_readable=False)
    return open_session(Access(**inputs), job, environment or {})


@pytest.mark.usefixtures("somebody")
def test_ambient_credentials_are_used_as_they_are() -> None:
    session = opened(aws_region=REGION)
    assert session.client("s3").meta.region_name == REGION
    assert session.client("s3") is session.client("s3")
    assert session.expires_at is None
    assert session.role_arn == ""


def test_no_credentials_at_all_name_both_ways_to_have_some() -> None:
    with pytest.raises(BadInput, match="no AWS credentials") as refused:
        opened(aws_region=REGION)
    assert "id-token: write" in refused.value.fix


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize(
    ("given", "environment", "used"),
    [
        ("eu-west-1", {"AWS_REGION": "us-east-1"}, "eu-west-1"),
        ("", {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-2"}, "us-east-1"),
        ("", {"AWS_DEFAULT_REGION": "us-gov-west-1"}, "us-gov-west-1"),
    ],
)
def test_the_input_wins_over_the_environment(given: str, environment: dict[str, str], used: str) -> None:
    assert opened(environment, aws_region=given).region == used


@pytest.mark.parametrize("region", ["", "europe", "eu-central-1.example.com", "EU-CENTRAL-1", "eu-central-1\n"])
def test_a_region_that_is_none_is_bad_input(region: str) -> None:
    with pytest.raises(BadInput, match="region"):
        opened(aws_region=region)


@pytest.mark.parametrize(
    "role", ["shop-deploy", "arn:aws:iam::1:role/x", "arn:aws:iam::123456789012:user/x", ROLE + " ", ROLE + "é"]
)
def test_a_role_that_is_no_arn_is_bad_input(role: str) -> None:
    with pytest.raises(BadInput, match="role-to-assume"):
        opened(aws_region=REGION, role_to_assume=role)


@pytest.mark.parametrize("seconds", [0, 899, 43_201])
def test_a_duration_sts_would_refuse_is_bad_input(seconds: int) -> None:
    with pytest.raises(BadInput, match="900 to 43200"):
        opened(aws_region=REGION, role_to_assume=ROLE, role_duration_seconds=seconds)


def test_a_chained_role_lasts_an_hour_at_most_and_that_is_said_before_anybody_is_asked() -> None:
    with pytest.raises(BadInput, match="3600 at most to a role that another role assumes"):
        opened(aws_region=REGION, role_to_assume=ROLE, role_chain_to=ROLE + "-admin", role_duration_seconds=3601)


@pytest.mark.parametrize("external_id", ["x", "two words", "grün", "x" * 1225])
def test_an_external_id_sts_would_refuse_is_bad_input_that_does_not_repeat_it(external_id: str) -> None:
    with pytest.raises(BadInput, match="role-external-id is not one STS takes") as refused:
        opened(aws_region=REGION, role_chain_to=ROLE, role_external_id=external_id)
    assert external_id == "x" or external_id not in str(refused.value)


def test_an_external_id_is_for_a_chained_role_only() -> None:
    with pytest.raises(BadInput, match="without role-chain-to"):
        opened(aws_region=REGION, role_to_assume=ROLE, role_external_id="tenant-7")


def test_a_chained_role_that_is_no_arn_is_bad_input() -> None:
    with pytest.raises(BadInput, match="role-chain-to is 'admin'"):
        opened(aws_region=REGION, role_chain_to="admin")


def test_a_role_of_an_account_that_is_not_allowed_is_bad_input() -> None:
    with pytest.raises(BadInput, match="belong to account 123456789012"):
        opened(aws_region=REGION, role_to_assume=ROLE, allowed_account_ids=("210987654321",))


def test_of_a_chain_only_the_second_roles_account_must_be_allowed() -> None:
    second = ROLE.replace("123456789012", "210987654321")
    with pytest.raises(BadInput, match="needs a GitHub Actions job"):  # the next thing that is looked at
        opened(aws_region=REGION, role_to_assume=ROLE, role_chain_to=second, allowed_account_ids=("210987654321",))


def test_both_roles_of_a_chain_are_narrowed_each_to_its_own() -> None:
    access = Access(role_to_assume=ROLE, role_chain_to=ROLE + "-admin")
    roles = roles_from(access, "", REGION, publishing("orange", "orange-releases"))
    assert roles.by_token is not None
    assert roles.chained is not None
    assert f'"Action":["sts:AssumeRole"],"Resource":"{ROLE}-admin"' in roles.by_token.policy
    assert "orange-releases" not in roles.by_token.policy
    assert "orange-releases" in roles.chained.policy
    assert "sts:AssumeRole" not in roles.chained.policy


def test_nothing_is_narrowed_where_that_is_switched_off_or_nobody_says_to_what() -> None:
    reach = publishing("orange", "orange-releases")
    wide = roles_from(Access(role_to_assume=ROLE, role_chain_to=ROLE, narrow_session=False), "", REGION, reach)
    assert [each.policy for each in (wide.by_token, wide.chained) if each] == ["", ""]
    assert first(Access(role_to_assume=ROLE), "").policy == ""


def test_an_account_id_that_lost_its_zeros_is_bad_input() -> None:
    with pytest.raises(BadInput, match="12 digits"):
        opened(aws_region=REGION, allowed_account_ids=("12345678",))


def test_a_role_outside_a_job_is_bad_input() -> None:
    with pytest.raises(BadInput, match="needs a GitHub Actions job"):
        opened(aws_region=REGION, role_to_assume=ROLE)


def test_a_profile_that_does_not_exist_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(BadInput, match="nowhere"):
        opened(aws_region=REGION)


@pytest.mark.parametrize(
    ("given", "run_tag", "name"),
    [
        ("", "77-2", "gha-77-2"),
        ("", "", "gha-local"),
        ("Deploy to Prod!", "77-2", "Deploy-to-Prod-"),
        ("grün", "77-2", "gr-n"),
        ("x" * 80, "77-2", "x" * 64),
        ("a+b=c,d.e@f-g_h", "", "a+b=c,d.e@f-g_h"),
    ],
)
def test_the_session_name_is_one_sts_takes(given: str, run_tag: str, name: str) -> None:
    assert first(Access(role_to_assume=ROLE, role_session_name=given), run_tag).session_name == name


def test_a_session_name_of_one_character_is_bad_input() -> None:
    with pytest.raises(BadInput, match="role-session-name") as refused:
        first(Access(role_to_assume=ROLE, role_session_name="x"), "")
    assert "leave it out" in refused.value.fix


@pytest.mark.parametrize(
    ("partition", "given", "audience"),
    [
        ("aws", "", "sts.amazonaws.com"),
        ("aws-us-gov", "", "sts.amazonaws.com"),
        ("aws-cn", "", "sts.amazonaws.com.cn"),
        ("aws-cn", "my-audience", "my-audience"),
    ],
)
def test_the_audience_follows_the_partition_of_the_role(partition: str, given: str, audience: str) -> None:
    role = f"arn:{partition}:iam::123456789012:role/path/shop"
    assert first(Access(role_to_assume=role, audience=given), "").audience == audience


def test_clients_are_recognisable_in_cloudtrail() -> None:
    assert client_config("77-2").user_agent_extra == f"awesomeorange-deploy/{__version__} run/77-2"
    assert client_config("").user_agent_extra == f"awesomeorange-deploy/{__version__}"


def test_only_a_custom_endpoint_gets_buckets_in_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    assert client_config("").s3 is None
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    config = client_config("77-2")
    assert config.s3 == {"addressing_style": "path"}
    assert config.request_checksum_calculation == "when_required"
    assert config.user_agent_extra.endswith("run/77-2")
    assert config.retries["mode"] == "adaptive"


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"])
@pytest.mark.parametrize("value", ["127.0.0.1:4566", "localhost", "http://", "ftp://localhost", "http://a b"])
def test_an_endpoint_that_is_no_url_is_bad_input_that_names_the_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=f"{name} is") as refused:
        opened(aws_region=REGION).client("ssm")
    assert "http://" in refused.value.fix


@pytest.mark.usefixtures("somebody")
def test_sts_is_asked_in_the_region_even_where_the_shell_prefers_the_global_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    client = opened(aws_region="eu-west-1").client("sts")
    assert client.meta.endpoint_url == "https://sts.eu-west-1.amazonaws.com"
