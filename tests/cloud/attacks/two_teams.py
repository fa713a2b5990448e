"""Two teams in one account and one bucket, and everybody who may something in it: the place where attacks are made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from deployer.infra.roles import identity_roles
from localcloud.aws.account import ACCOUNT
from localcloud.cloud import Cloud
from localcloud.resources import Account
from localcloud.roles import make_roles
from tests.cloud.client import client_of, client_with
from tests.waiting import eventually

OURS, THEIRS = "orange", "lemon"
ROLES = ("deployer", "instance")
BUCKET = "orange-releases"
OURS_GROUP, THEIR_GROUP, STAGED_GROUP = "orange-web", "lemon-web", "orange-staged"
RELEASE = "orange/releases/v1/release.json"
OBJECTS = {
    RELEASE: b"{}",
    "orange/releases/v1/docker-compose.yml": b"services: {}",
    "orange/groups/orange-web/desired.json": b'{"generation": 1}',
    "orange/groups/orange-web/lease.json": b'{"generation": 1}',
    "orange/groups/orange-staged/desired.json": b'{"generation": 1}',
    "lemon/releases/v1/release.json": b"{}",
    "lemon/groups/lemon-web/desired.json": b'{"generation": 1}',
}


@dataclass
class TwoTeams:
    """`orange` is ours, `lemon` another team's; each has a group of one, a role set, a parameter and a release."""

    cloud: Cloud
    before: str = ""
    """The account as it was before the first attack."""
    _sessions: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def furnish(self) -> None:
        """Makes what `up` does not: the other team, a role for an environment, and something to steal or destroy."""
        cloud = self.cloud
        their = {"App": THEIRS, "AutoScalingGroup": THEIR_GROUP, "ParameterName": "/lemon/env", "TargetGroup": ""}
        staged = {"AutoScalingGroup": STAGED_GROUP, "Environment": "production"}
        for parameters in (their, staged):
            roles = identity_roles({**cloud.wanted.identity, **parameters}, ACCOUNT, cloud.options.region)
            make_roles(self.root("iam"), roles.values())
        self.root("ssm").put_parameter(Name="/lemon/env", Type="SecureString", Value="KEY=theirs")
        other = replace(cloud.wanted, app=THEIRS, group=THEIR_GROUP, instances=1, launch_hook="")
        Account(cloud.server.origin, cloud.options.region).open_group(other, "")
        for key, body in OBJECTS.items():
            self.root("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
        eventually("both groups have an instance", lambda: self.our_instance and self.their_instance, patience=30)
        self.before = self.account()

    def root(self, service: str) -> Any:
        return client_of(self.cloud, service)

    def by(self, role: str, service: str) -> Any:
        """A client of whoever is named so: `GROUP-deployer`, …"""
        if role not in self._sessions:
            arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
            session = self.cloud.books.open_role_session(arn, f"{role}-session", 3600)
            self._sessions[role] = {
                "AccessKeyId": session.access_key_id,
                "SecretAccessKey": session.secret_access_key,
                "SessionToken": session.session_token,
            }
        return client_with(self.cloud, service, self._sessions[role])

    def assume(self, token: str, role: str = "orange-web-deployer", **wanted: Any) -> Mapping[str, Any]:
        """What STS gives a job for its token."""
        answer = self._sts.assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="run-1", WebIdentityToken=token, **wanted
        )
        credentials: Mapping[str, Any] = answer["Credentials"]
        return credentials

    @cached_property
    def _sts(self) -> Any:
        """STS as a job calls it: without credentials, the token is all the proof there is."""
        return boto3.client(
            "sts",
            region_name=self.cloud.options.region,
            endpoint_url=self.cloud.server.origin,
            config=Config(signature_version=UNSIGNED, retries={"max_attempts": 0}),
        )

    @property
    def our_instance(self) -> str:
        return self._instance(OURS_GROUP)

    @property
    def their_instance(self) -> str:
        return self._instance(THEIR_GROUP)

    def etag(self, key: str) -> str:
        return str(self.root("s3").head_object(Bucket=BUCKET, Key=key)["ETag"])

    def version(self, key: str) -> str:
        return str(self.root("s3").head_object(Bucket=BUCKET, Key=key)["VersionId"])

    def account(self) -> str:
        """Everything an attack could have changed, as one text."""
        s3, groups = self.root("s3"), self.root("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        objects = s3.list_object_versions(Bucket=BUCKET)
        versions = [(each["Key"], each["VersionId"], each["ETag"]) for each in objects["Versions"]]
        sizes = [(each["AutoScalingGroupName"], each["DesiredCapacity"], each["SuspendedProcesses"]) for each in groups]
        members = [[each["InstanceId"] for each in group["Instances"]] for group in groups]
        templates = self.root("ec2").describe_launch_templates()["LaunchTemplates"]
        roles = [
            self.root("iam").list_role_policies(RoleName=f"orange-web-{each}") for each in ("deployer", "instance")
        ]
        facts = {
            "versions": sorted(versions),
            "deleted": objects.get("DeleteMarkers", []),
            "policy": s3.get_bucket_policy(Bucket=BUCKET)["Policy"],
            "sizes": sizes,
            "members": members,
            "templates": [(each["LaunchTemplateName"], each["LatestVersionNumber"]) for each in templates],
            "policies": [each["PolicyNames"] for each in roles],
            "commands": [each.id for each in self.cloud.run_command.visible()],
        }
        return json.dumps(facts, default=str, indent=1)

    def _instance(self, group: str) -> str:
        found = [each for each in self.cloud.fleet.members.values() if each.group == group]
        return found[0].instance_id if found else ""
