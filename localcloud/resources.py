"""What an operator would have made in the account: bucket, document, parameter, roles, launch template, group.

Made through the API itself, so that whatever a client sees was accepted by it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from deployer.infra.roles import STORAGE, identity_roles, storage_policy
from deployer.infra.template import Place, Template
from localcloud.aws.account import ACCOUNT, ROOT_KEY
from localcloud.roles import make_operator, make_provider, make_roles

PORT = 8080
HOOK = "deployer-boot"
HOOK_HEARTBEAT = 300
"""Seconds a booting instance has before the group gives up on it."""


@dataclass(frozen=True)
class Wanted:
    """What to make."""

    region: str
    app: str
    bucket: str
    group: str
    document: str
    parameters: str
    instances: int
    min_size: int
    max_size: int
    target_group: bool
    health_check_type: str
    dotenv: Mapping[str, str]
    document_text: str
    user_data: str
    launch_hook: str
    """The name of the launch lifecycle hook; empty for none."""
    identity: Mapping[str, str]
    """The parameters of infra/identity.yml."""
    operator: str
    """Whose credentials are printed: one of localcloud.roles.OPERATORS."""


@dataclass(frozen=True)
class Made:
    """What clients need to know of it."""

    access_key: str
    secret_key: str
    role_arn: str
    target_group_arn: str


class Account:
    """An empty account, seen through its API."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._endpoint = endpoint
        self._region = region

    def client(self, service: str) -> Any:
        """A boto3 client of the account's root user."""
        # Parameters are not checked here: health checks every second are below what the real service allows.
        config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, parameter_validation=False)
        return _session().client(
            service,
            region_name=self._region,
            endpoint_url=self._endpoint,
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key="unchecked",  # noqa: S106
            config=config,
        )

    def furnish(self, wanted: Wanted) -> Made:
        """Makes everything but the group; see `open_group`."""
        iam = self.client("iam")
        roles = identity_roles(wanted.identity, ACCOUNT, self._region)
        make_provider(iam)
        make_roles(iam, roles.values())
        access_key, secret_key = make_operator(iam, wanted.operator, roles["Deployer"])
        self._storage(wanted)
        self._documents(wanted)
        arn = self._target_group(wanted) if wanted.target_group else ""
        role_arn = f"arn:aws:iam::{ACCOUNT}:role/{roles['Deployer'].name}"
        return Made(access_key, secret_key, role_arn, arn)

    def open_group(self, wanted: Wanted, target_group_arn: str) -> None:
        """The launch template, the group and its launch hook; from here on instances boot.

        The group starts empty, so that the hook is there before the first instance is.
        """
        self._launch_template(wanted)
        group = self.client("autoscaling")
        group.create_auto_scaling_group(
            AutoScalingGroupName=wanted.group,
            LaunchTemplate={"LaunchTemplateName": wanted.group, "Version": "$Latest"},
            MinSize=0,
            MaxSize=wanted.max_size,
            DesiredCapacity=0,
            AvailabilityZones=[f"{self._region}{letter}" for letter in "abc"],
            HealthCheckType=wanted.health_check_type,
            HealthCheckGracePeriod=30,
            TargetGroupARNs=[target_group_arn] if target_group_arn else [],
            Tags=[{"Key": "Name", "Value": wanted.app, "PropagateAtLaunch": True}],
        )
        if wanted.launch_hook:
            group.put_lifecycle_hook(
                AutoScalingGroupName=wanted.group,
                LifecycleHookName=wanted.launch_hook,
                LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
                HeartbeatTimeout=HOOK_HEARTBEAT,
                DefaultResult="ABANDON",
            )
        group.update_auto_scaling_group(
            AutoScalingGroupName=wanted.group, MinSize=wanted.min_size, DesiredCapacity=wanted.instances
        )

    def _storage(self, wanted: Wanted) -> None:
        s3 = self.client("s3")
        location: Any = {"LocationConstraint": self._region}
        s3.create_bucket(Bucket=wanted.bucket, CreateBucketConfiguration=location)
        made = Template(STORAGE, {"Bucket": wanted.bucket}, Place(ACCOUNT, self._region)).properties("ReleaseBucket")
        block = made["PublicAccessBlockConfiguration"]
        s3.put_public_access_block(Bucket=wanted.bucket, PublicAccessBlockConfiguration=block)
        [rule] = made["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        encryption = {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
        s3.put_bucket_encryption(Bucket=wanted.bucket, ServerSideEncryptionConfiguration={"Rules": [encryption]})
        s3.put_bucket_versioning(Bucket=wanted.bucket, VersioningConfiguration={"Status": "Enabled"})
        janitor = f"arn:aws:iam::{ACCOUNT}:role/{wanted.group}-janitor"
        policy = storage_policy({"Bucket": wanted.bucket, "JanitorRoleArn": janitor}, ACCOUNT, self._region)
        s3.put_bucket_policy(Bucket=wanted.bucket, Policy=json.dumps(policy))

    def _documents(self, wanted: Wanted) -> None:
        ssm = self.client("ssm")
        ssm.create_document(
            Name=wanted.document, DocumentType="Command", DocumentFormat="JSON", Content=wanted.document_text
        )
        text = "".join(f"{name}={value}\n" for name, value in wanted.dotenv.items())
        ssm.put_parameter(Name=wanted.parameters, Type="SecureString", Value=text)

    def _target_group(self, wanted: Wanted) -> str:
        elb = self.client("elbv2")
        subnets = self.client("ec2").describe_subnets()["Subnets"]
        made = elb.create_target_group(
            Name=wanted.group,
            Protocol="HTTP",
            Port=PORT,
            VpcId=subnets[0]["VpcId"],
            HealthCheckPath="/",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
        )
        arn: str = made["TargetGroups"][0]["TargetGroupArn"]
        # A group may not be made with checks every second, but it can be turned into one.
        elb.modify_target_group(TargetGroupArn=arn, HealthCheckIntervalSeconds=1)
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "10"}
        elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[delay])
        ids = [each["SubnetId"] for each in subnets]
        balancer = elb.create_load_balancer(Name=wanted.group, Subnets=ids, Type="application")
        elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        return arn

    def _launch_template(self, wanted: Wanted) -> None:
        self.client("ec2").create_launch_template(
            LaunchTemplateName=wanted.group,
            LaunchTemplateData={
                "ImageId": "ami-12c6146b",
                "InstanceType": "t3.small",
                "IamInstanceProfile": {"Name": f"{wanted.group}-instance"},
                "MetadataOptions": {
                    "HttpTokens": "required",
                    "HttpPutResponseHopLimit": 1,
                    "InstanceMetadataTags": "enabled",
                },
                "UserData": base64.b64encode(wanted.user_data.encode()).decode(),
            },
        )


@cache
def _session() -> boto3.session.Session:
    """One for all: it keeps the service descriptions it has read."""
    return boto3.session.Session()
