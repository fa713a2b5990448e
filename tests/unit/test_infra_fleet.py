"""The fleet's template: what instances boot with."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from deployer import instance_files
from deployer.infra.template import DIRECTORY, Place, Template, read

NAMES = {
    "App": "orange",
    "Bucket": "orange-releases",
    "AutoScalingGroup": "orange-web",
    "InstanceProfileName": "orange-web-instance",
    "ImageId": "ami-0",
    "VpcId": "vpc-0",
    "InstanceSubnets": "subnet-0,subnet-1",
    "LoadBalancerSubnets": "subnet-2,subnet-3",
    "TargetGroup": "orange-web",
}
MOST_FROM_A_FILE = 51_200
"""CloudFormation: bytes of a template that is sent along, not fetched from S3."""


def launch(*path: str) -> Any:
    template = Template("fleet.yml", NAMES, Place("123456789012", "eu-west-1"))
    return template.properties("LaunchTemplate", "LaunchTemplateData", *path)


def test_the_user_data_is_what_render_prints() -> None:
    booted = base64.b64decode(launch("UserData")).decode()

    assert booted == instance_files.user_data("orange", "orange-releases", "orange-web", "deployer-boot")


def test_the_group_waits_for_the_hook_that_the_user_data_answers() -> None:
    (hook,) = read("fleet.yml")["Resources"]["Group"]["Properties"]["LifecycleHookSpecificationList"]

    assert f"LIFECYCLE_HOOK='{hook['LifecycleHookName']}'" in base64.b64decode(launch("UserData")).decode()
    assert (hook["LifecycleTransition"], hook["DefaultResult"]) == ("autoscaling:EC2_INSTANCE_LAUNCHING", "ABANDON")


def test_containers_get_no_credentials_and_disks_are_encrypted() -> None:
    metadata = launch("MetadataOptions")

    assert (metadata["HttpTokens"], metadata["HttpPutResponseHopLimit"]) == ("required", 1)
    assert [each["Ebs"]["Encrypted"] for each in launch("BlockDeviceMappings")] == [True]


def test_instances_are_reached_through_the_load_balancer_alone() -> None:
    resources = read("fleet.yml")["Resources"]
    into_instances = [
        each["Properties"]
        for each in resources.values()
        if each["Type"] == "AWS::EC2::SecurityGroupIngress"
        and each["Properties"]["GroupId"] == {"Ref": "InstanceSecurityGroup"}
    ]

    assert "SecurityGroupIngress" not in resources["InstanceSecurityGroup"]["Properties"]
    assert [each["SourceSecurityGroupId"] for each in into_instances] == [{"Ref": "LoadBalancerSecurityGroup"}]
    assert "CidrIp" not in into_instances[0]


@pytest.mark.parametrize("path", sorted(DIRECTORY.glob("*.yml")), ids=lambda path: path.name)
def test_a_template_can_be_deployed_from_a_file(path: Any) -> None:
    assert path.stat().st_size <= MOST_FROM_A_FILE


@pytest.mark.parametrize("path", sorted(DIRECTORY.glob("*.yml")), ids=lambda path: path.name)
def test_every_parameter_is_explained(path: Any) -> None:
    undescribed = [name for name, each in read(path.name)["Parameters"].items() if not each.get("Description")]

    assert undescribed == []
