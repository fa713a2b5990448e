"""What one command has to reach in AWS, and the session policy that keeps a role's session to it.

A session policy takes away and never gives: the session may do what the role's own policies and this one both allow.
So a role that is wider than it should be is narrow while it is in our hands, and `plan` could change nothing if it
tried. What a role needs is in infra/identity.yml; a test holds the two lists of actions equal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.core import keys
from deployer.core.errors import BadInput

LONGEST = 2048
"""Characters of a session policy that STS takes.

Packed, in a way AWS does not tell, it has a limit of its own (PackedPolicyTooLarge): reports name 118 % for some 2,000
characters, so that about 1,700 should pass. A rollout of one group has about 1,350, and 150 for each further one.
"""

WIDE = "narrow-session: false"


@dataclass(frozen=True)
class Where:
    """What ARNs are made of."""

    partition: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """A regional resource. Of any account: a role has no way to those of another one, and each letter counts."""
        return f"arn:{self.partition}:{service}:{self.region}:*:{resource}"

    def object(self, bucket: str, prefix: str) -> str:
        """The objects of a bucket whose keys begin so."""
        return f"arn:{self.partition}:s3:::{bucket}/{prefix}*"


LOOK = (
    "autoscaling:DescribeAutoScalingGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "ssm:DescribeInstanceInformation",
    "cloudwatch:DescribeAlarms",
)
HEAR = ("ssm:ListCommands", "ssm:ListCommandInvocations", "ssm:GetCommandInvocation")
CHANGE = ("ssm:CancelCommand", "elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets")
"""AWS knows no resource for these, or we know none of theirs yet."""

Statement = Mapping[str, Any]
Reach = Callable[[Where], Sequence[Statement]]
"""The statements of a session policy, once it is known where the role is."""


def session_policy(reach: Reach, where: Where) -> str:
    """The policy as STS takes it; raises BadInput for one that is longer than that."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(reach(where))}, separators=(",", ":"))
    if len(policy) > LONGEST:
        raise BadInput(
            f"the session policy for what this command reaches has {len(policy)} characters: STS takes {LONGEST}",
            f"name fewer groups in one command, or set `{WIDE}`, and the role's own policies are the only limit",
        )
    return policy


def another_role(arn: str) -> Reach:
    """Nothing but to hand on to a second role."""
    return lambda _: [_allow(["sts:AssumeRole"], arn)]


def publishing(app: str, bucket: str) -> Reach:
    """The releases of an application."""

    def statements(where: Where) -> Sequence[Statement]:
        actions = ["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"]
        return [_allow(actions, where.object(bucket, keys.releases(app))), *_bucket(where, bucket, app)]

    return statements


def reading(app: str, bucket: str) -> Reach:
    """All that is kept of an application, read and nothing else."""
    return lambda where: [_allow(["s3:GetObject"], where.object(bucket, f"{app}/")), *_bucket(where, bucket, app)]


def tidying(app: str, bucket: str) -> Reach:
    """The state of an application's groups, read, and its releases, removed."""

    def statements(where: Where) -> Sequence[Statement]:
        return [
            _allow(["s3:GetObject"], where.object(bucket, keys.groups(app))),
            _allow(["s3:DeleteObject"], where.object(bucket, keys.releases(app))),
            *_bucket(where, bucket, app),
        ]

    return statements


def looking(app: str, bucket: str, document: str, groups: Sequence[str]) -> Reach:
    """The releases of an application and the state of its groups, read and nothing else."""
    del groups  # what is kept of the others is no secret

    def statements(where: Where) -> Sequence[Statement]:
        read = ["ssm:DescribeDocument", "s3:GetObject"]
        return [
            _allow(LOOK, "*"),
            _allow(read, [_document(where, document), where.object(bucket, f"{app}/")]),
            *_bucket(where, bucket, app),
        ]

    return statements


def asking(app: str, bucket: str, document: str, groups: Sequence[str]) -> Reach:
    """What `looking` reaches, and orders to the instances of the groups."""

    def statements(where: Where) -> Sequence[Statement]:
        return [
            *looking(app, bucket, document, groups)(where),
            _allow(HEAR, "*"),
            _allow(["ssm:SendCommand"], _document(where, document)),
            _orders_to(where, groups),
        ]

    return statements


def rolling(app: str, bucket: str, document: str, groups: Sequence[str]) -> Reach:
    """What `asking` reaches, and all that a rollout changes. Which target groups there are is known only later.

    One statement holds what would be three: an action is never about another service's resource, and letters are few.
    """

    def statements(where: Where) -> Sequence[Statement]:
        suspended = ["autoscaling:SuspendProcesses", "autoscaling:ResumeProcesses"]
        by_name = ["ssm:DescribeDocument", "ssm:SendCommand", "s3:GetObject", *suspended]
        named = [_document(where, document), where.object(bucket, f"{app}/")]
        return [
            _allow([*LOOK, *HEAR, *CHANGE], "*"),
            _allow(by_name, [*named, *(where.arn("autoscaling", f"*:autoScalingGroupName/{each}") for each in groups)]),
            _orders_to(where, groups),
            _allow(["s3:PutObject"], [where.object(bucket, keys.group(app, each)) for each in groups]),
            *_bucket(where, bucket, app),
        ]

    return statements


def images(account: str, pushed_to: Sequence[str] = ()) -> Reach:
    """The images of an ECR registry (`account` is the registry's), and pushing to some repositories, if any."""

    def statements(where: Where) -> Sequence[Statement]:
        read = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        pushed = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]
        registry = f"arn:{where.partition}:ecr:{where.region}:{account}:repository/"
        return [
            _allow(["ecr:GetAuthorizationToken"], "*"),
            _allow(read, f"{registry}*"),
            *([_allow(pushed, [registry + each for each in pushed_to])] if pushed_to else []),
        ]

    return statements


def _orders_to(where: Where, groups: Sequence[str]) -> Statement:
    """AWS checks a command for its document, and for each instance again, of which it knows the group's own tag."""
    of_the_groups = {"StringEquals": {"ssm:resourceTag/aws:autoscaling:groupName": list(groups)}}
    return {**_allow(["ssm:SendCommand"], where.arn("ec2", "instance/*")), "Condition": of_the_groups}


def _bucket(where: Where, bucket: str, app: str) -> Sequence[Statement]:
    """Listing, without which S3 calls a key that is not there a denied one; and the key of an encrypted bucket."""
    listed = {"StringLike": {"s3:prefix": f"{app}/*"}}
    for_s3 = {"StringLike": {"kms:ViaService": f"s3.{where.region}.amazonaws.com*"}}
    return [
        {**_allow(["s3:ListBucket"], f"arn:{where.partition}:s3:::{bucket}"), "Condition": listed},
        {**_allow(["kms:Decrypt", "kms:GenerateDataKey"], "*"), "Condition": for_s3},
    ]


def _document(where: Where, document: str) -> str:
    """A document of the account; one that another account shares is named by its ARN."""
    return document if document.startswith("arn:") else where.arn("ssm", f"document/{document}")


def _allow(actions: Sequence[str], resources: str | Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}
