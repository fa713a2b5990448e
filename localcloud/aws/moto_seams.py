"""The only module that reaches into moto's backends.

moto keeps the books (groups, instances, target groups, roles, documents); what happens in the cloud is decided by
`localcloud.aws`. Four of moto's own reflexes are therefore switched off: launching and terminating inside
`set_desired_capacity`, replacing terminated instances, registering every instance with the target groups, and denying
what a bucket policy denies under conditions that are not met.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from moto.autoscaling.models import (
    AutoScalingBackend,
    FakeAutoScalingGroup,
    InstanceState,
    autoscaling_backends,
)
from moto.core.base_backend import BackendDict
from moto.core.exceptions import ServiceException
from moto.core.model_instances import reset_model_data
from moto.ec2.models import ec2_backends
from moto.elbv2.models import FakeTargetGroup, elbv2_backends
from moto.iam.access_control import PermissionResult
from moto.iam.models import ManagedPolicy, Role, User, iam_backends
from moto.s3.models import FakeBucket, FakeKey, s3_backends
from moto.ssm.models import ssm_backends
from moto.sts.models import AssumedRole, sts_backends

from localcloud.aws.account import ACCOUNT
from localcloud.aws.errors import AwsError


def forget_everything() -> None:
    """An account with nothing in it, not even Amazon's thousand machine images, which take a third of a second."""
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    BackendDict.reset()
    reset_model_data()


class Reflexes:
    """moto's own launching, replacing and registering, off until `restore`."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._switch_off(FakeAutoScalingGroup, "set_desired_capacity", _record_desired_capacity)
        self._switch_off(AutoScalingBackend, "notify_terminate_instances", lambda *_: None)
        self._switch_off(FakeBucket, "get_permission", lambda *_: PermissionResult.NEUTRAL)
        self._switch_off(AutoScalingBackend, "update_attached_target_groups", lambda *_: None)

    def _switch_off(self, owner: type, name: str, instead: Callable[..., Any]) -> None:
        original = getattr(owner, name)
        setattr(owner, name, instead)
        self._undo.append(lambda: setattr(owner, name, original))

    def restore(self) -> None:
        """Gives moto its reflexes back."""
        while self._undo:
            self._undo.pop()()


def _record_desired_capacity(group: Any, new_capacity: int | None) -> None:
    group.desired_capacity = group.min_size if new_capacity is None else new_capacity


class Books:
    """moto's books of one account and region."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.account = ACCOUNT
        self._auto_scaling = autoscaling_backends[ACCOUNT][region]
        self._ec2 = ec2_backends[ACCOUNT][region]
        self._elb = elbv2_backends[ACCOUNT][region]
        self._ssm = ssm_backends[ACCOUNT][region]
        self._iam = iam_backends[ACCOUNT]["aws"]
        self._sts = sts_backends[ACCOUNT]["aws"]
        self._s3 = s3_backends[ACCOUNT]["aws"]
        self._sessions: dict[str, AssumedRole] = {}
        self._launched: dict[str, Any] = {}
        """EC2's entries of what the groups launched: moto looks through every instance to find one."""

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """Every version of every object of every bucket."""
        for bucket in self._s3.buckets.values():
            for name in list(bucket.keys):
                versions = [each for each in bucket.keys.getlist(name) if isinstance(each, FakeKey)]
                yield from ((f"{bucket.name}/{name}", each.value) for each in versions)

    def groups(self) -> list[Any]:
        """Every Auto Scaling group."""
        return list(self._auto_scaling.autoscaling_groups.values())

    def group(self, name: str) -> Any:
        """Raises ValidationError, as AWS, for a name that is not there."""
        found = self._auto_scaling.autoscaling_groups.get(name)
        if found is None:
            raise AwsError("ValidationError", f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
        return found

    def forget_group(self, name: str) -> None:
        """Deletes a group that has no instances left."""
        self._auto_scaling.autoscaling_groups.pop(name, None)

    def hooks(self, group: str, transition: str) -> list[Any]:
        """The group's lifecycle hooks for one transition (`autoscaling:EC2_INSTANCE_LAUNCHING`, …)."""
        hooks = self._auto_scaling.describe_lifecycle_hooks(group)
        return [each for each in hooks if each.lifecycle_transition == transition]

    def launch(self, group: FakeAutoScalingGroup, zone: str) -> InstanceState:
        """One more instance in the group's books, `Pending`; no machine yet."""
        before = {each.instance_id for each in group.instance_states}
        group.replace_autoscaling_group_instances(1, group.get_propagated_tags())
        (state,) = [each for each in group.instance_states if each.instance_id not in before]
        state.lifecycle_state = "Pending"
        state.availability_zone = zone
        state.instance._placement.zone = zone
        self._launched[state.instance_id] = state.instance
        self._give_profile(group, state.instance_id)
        return state

    def _give_profile(self, group: FakeAutoScalingGroup, instance_id: str) -> None:
        """The launch template's instance profile, of which moto takes no notice."""
        template = group.ec2_launch_template
        data = template.get_version(group.launch_template_version).data if template else {}
        if name := data.get("IamInstanceProfile", {}).get("Name"):
            self._ec2.associate_iam_instance_profile(instance_id, iam_instance_profile_name=name)

    def strike(self, group: FakeAutoScalingGroup, instance_id: str) -> None:
        """The instance leaves the group's books and ends up `terminated` in EC2's."""
        group.instance_states = [each for each in group.instance_states if each.instance_id != instance_id]
        self.end_instance(instance_id)

    def end_instance(self, instance_id: str) -> None:
        """EC2 says `terminated`; the target groups' books are ours to clean."""
        if self.is_running(instance_id):
            self._ec2.terminate_instances([instance_id])

    def instance(self, instance_id: str) -> Any | None:
        """EC2's entry for the instance, or None."""
        return self._launched.get(instance_id) or self._ec2.get_instance_by_id(instance_id)

    def is_running(self, instance_id: str) -> bool:
        """Whether EC2 says `running`."""
        instance = self.instance(instance_id)
        return instance is not None and instance.state == "running"

    def user_data(self, group: FakeAutoScalingGroup) -> str:
        """The launch template's user data, decoded."""
        encoded = group.user_data
        return encoded.decode() if encoded else ""

    def target_groups(self) -> list[FakeTargetGroup]:
        """Every target group."""
        return list(self._elb.target_groups.values())

    def target_group(self, arn: str) -> FakeTargetGroup:
        """Raises TargetGroupNotFound, as AWS, for an ARN that is not there."""
        found = self._elb.target_groups.get(arn)
        if found is None:
            raise AwsError("TargetGroupNotFound", "One or more target groups not found")
        return found

    def document(self, name: str, version: str) -> str:
        """An SSM document's content, JSON. Raises InvalidDocument, as AWS, for one that is not there."""
        found = self._ssm._documents.get(name)
        if found is None:
            raise AwsError("InvalidDocument", f"Document with name {name} does not exist.")
        try:
            document = found.find(None if version in ("", "$DEFAULT") else version)
        except ServiceException as error:
            raise AwsError("InvalidDocumentVersion", f"{name} has no version {version}.") from error
        content: str = document.content
        return content

    def tags_of(self, resource_id: str) -> dict[str, str]:
        """The EC2 tags of anything, found at once: `tags` looks through all that there is."""
        return dict(self._ec2.tags.get(resource_id, {}))

    def launch_template_id(self, name: str) -> str:
        """Empty for a name that is not there."""
        return str(self._ec2.launch_template_name_to_ids.get(name, ""))

    def role_of_profile(self, name: str) -> str:
        """The name of the role in an instance profile; empty where there is none."""
        found = [each for each in self._iam.instance_profiles.values() if each.name == name and each.roles]
        return str(found[0].roles[0].name) if found else ""

    def tags(self, instance_id: str) -> dict[str, str]:
        """An instance's EC2 tags."""
        found = self._ec2.describe_tags(filters={"resource-id": [instance_id]})
        return {each["key"]: each["value"] for each in found}

    def oidc_provider(self, host: str) -> Any | None:
        """The IAM OIDC provider registered for an issuer (its URL without the scheme), or None."""
        providers = self._iam.open_id_providers.values()
        return next((each for each in providers if each.url == host), None)

    def role(self, arn: str) -> Role | None:
        """The IAM role, or None."""
        return next((each for each in list(self._iam.get_roles()) if each.arn == arn), None)

    def trust_policy(self, arn: str) -> Mapping[str, Any]:
        """Who may assume a role; of one that is not there, nobody."""
        role = self.role(arn)
        text = str(role.assume_role_policy_document) if role else "{}"
        parsed: Mapping[str, Any] = json.loads(text if text.lstrip().startswith("{") else unquote(text))
        return parsed

    def user_of(self, access_key: str) -> User | None:
        """The IAM user a key belongs to, or None."""
        return self._iam.get_user_from_access_key_id(access_key)

    def user(self, arn: str) -> User | None:
        """The IAM user, or None."""
        return next((each for each in list(self._iam.users.values()) if each.arn == arn), None)

    def managed_policy(self, arn: str) -> str:
        """The document of a managed policy; of one that is not there, one that allows nothing."""
        found = self._iam.managed_policies.get(arn)
        return document_of(found) if found else "{}"

    def open_role_session(self, role_arn: str, session_name: str, seconds: float, policy: str = "") -> AssumedRole:
        """Fresh credentials of a role, with a session policy or none; GetCallerIdentity answers the session's ARN."""
        session = self._sts.assume_role(self.region, session_name, role_arn, policy, seconds, "")  # type: ignore[arg-type]
        self._sessions[session.access_key_id] = session
        return session

    def session(self, access_key: str) -> AssumedRole | None:
        """The role session a key belongs to, over or not; None for any other key."""
        return self._sessions.get(access_key)

    def bucket_policy(self, bucket: str) -> str | None:
        """A bucket's own policy, or None."""
        found = self._s3.buckets.get(bucket)
        text = found.policy if found else None
        return text.decode() if isinstance(text, bytes) else text

    def has_bucket(self, bucket: str) -> bool:
        """Whether there is such a bucket."""
        return bucket in self._s3.buckets


def document_of(policy: ManagedPolicy) -> str:
    """A managed policy's default version."""
    versions = {each.version_id: each for each in policy.versions}
    return str(versions[policy.default_version_id].document)
