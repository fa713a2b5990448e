"""Who may be the roles of infra/: jobs of one repository, on the branch and in the environment that were named."""

from __future__ import annotations

import pytest

from deployer.core.errors import BadInput
from deployer.infra.roles import identity_roles
from deployer.infra.template import Place, Template
from tests.unit.identity import (
    ACCOUNT,
    ISSUER,
    LEAST,
    REGION,
    condition,
    roles,
)


def test_there_are_four_roles_named_after_the_group() -> None:
    assert {name: role.name for name, role in roles().items()} == {
        "Deployer": "orange-web-deployer",
        "Instance": "orange-web-instance",
        "Monitoring": "orange-web-monitoring",
        "Status": "orange-web-status",
    }


def test_a_job_in_an_environment_must_be_on_the_branch_too() -> None:
    assert condition(roles(Environment="production")["Deployer"]) == {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:repository_id": "222",
            f"{ISSUER}:sub": [
                "repo:acme/orange:environment:production",
                "repo:acme@111/orange@222:environment:production",
            ],
            f"{ISSUER}:ref": "refs/heads/main",
        }
    }


def test_without_an_environment_the_subject_is_the_branch() -> None:
    trusted = condition(roles(Ref="refs/heads/release")["Deployer"])["StringEquals"]

    assert trusted[f"{ISSUER}:sub"] == [
        "repo:acme/orange:ref:refs/heads/release",
        "repo:acme@111/orange@222:ref:refs/heads/release",
    ]
    assert f"{ISSUER}:ref" not in trusted


def test_an_environment_may_decide_alone_which_branches_deploy() -> None:
    assert f"{ISSUER}:ref" not in condition(roles(Environment="production", Ref="")["Deployer"])["StringEquals"]


def test_china_has_its_own_audience() -> None:
    role = identity_roles(LEAST, ACCOUNT, "cn-north-1", "aws-cn")["Deployer"]

    assert condition(role)["StringEquals"][f"{ISSUER}:aud"] == "sts.amazonaws.com.cn"
    assert role.trust["Statement"][0]["Principal"]["Federated"].startswith("arn:aws-cn:iam::")


def test_a_provider_that_is_there_is_taken() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
    template = Template("identity.yml", {**LEAST, "OidcProviderArn": arn}, Place(ACCOUNT, REGION))

    assert template.of_type("AWS::IAM::OIDCProvider") == ()
    assert roles(OidcProviderArn=arn)["Deployer"].trust == roles()["Deployer"].trust


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("Repository", "acme/*"),
        ("Repository", "acme"),
        ("Environment", "prod*"),
        ("Environment", "production:x"),
        ("JanitorEnvironment", "*"),
        ("Ref", "refs/heads/*"),
        ("Ref", "main"),
        ("AutoScalingGroup", "orange-*"),
        ("AutoScalingGroup", "releases"),
        ("AutoScalingGroup", "x" * 256),
        ("RoleNamePrefix", "x" * 54),
        ("App", "../orange"),
        ("ParameterName", "/"),
        ("ParameterName", "/orange/*"),
        ("ParameterName", "orange"),
        ("RegistryParameterName", "/*"),
        ("TargetGroup", "*"),
        ("TargetGroup", "orange-*"),
        ("TargetGroup", "orange-web,"),
        ("TargetGroup", "a,b,c,d,e"),
        ("Document", "arn:aws:ssm:eu-central-1:123456789012:document/*"),
        ("EcrRepository", "orange*"),
        ("EcrRepository", "orange-*"),
        ("EcrRepository", "*"),
        ("EcrRepository", "/*"),
        ("AlarmPrefix", "*x"),
    ],
)
def test_no_parameter_widens_a_role_by_a_pattern(parameter: str, value: str) -> None:
    with pytest.raises(BadInput, match=parameter):
        roles(**{parameter: value})
