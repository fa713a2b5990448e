"""Which permissions an operation needs, for every service but S3: action, resources, condition keys.

Source: the service authorization reference. What is not here nobody but the account itself may call: an operation
whose permissions nobody looked up must not slip through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from localcloud.aws.asked import Asked
from localcloud.aws.moto_seams import Books
from localcloud.aws.needs import Need, UnknownOperation


@dataclass(frozen=True)
class Place:
    """Where the resources of a request are."""

    books: Books
    region: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.books.account}:{resource}"

    def iam(self, resource: str) -> str:
        """The ARN of something of IAM, which has no regions."""
        return f"arn:aws:iam::{self.books.account}:{resource}"


Resources = Callable[[Asked, Place], Iterable[str]]
"""The ARNs an operation is about; none: it is about nothing in particular, and `*` must be allowed."""


def needs_of(service: str, operation: str, asked: Asked, place: Place) -> list[Need]:
    """Raises UnknownOperation."""
    special = _SPECIAL.get((service, operation))
    if special is not None:
        return list(special(asked, place))
    resources = _RESOURCES.get(service, {}).get(operation)
    if resources is None:
        if operation not in _NO_RESOURCE.get(service, frozenset()):
            raise UnknownOperation(f"{service}:{operation}")
        keys = {"ec2:region": place.region} if service == "ec2" else {}
        return [Need(f"{service}:{operation}", "*", keys)]
    return [Need(f"{service}:{operation}", each) for each in resources(asked, place) or ["*"]]


# Auto Scaling


def _group(asked: Asked, place: Place) -> list[str]:
    return [_group_arn(asked.one("AutoScalingGroupName"), place)]


def _group_of_instance(asked: Asked, place: Place) -> list[str]:
    tags = place.books.tags_of(asked.one("InstanceId"))
    return [_group_arn(tags.get("aws:autoscaling:groupName", ""), place)]


def _group_arn(name: str, place: Place) -> str:
    found = [each.arn for each in place.books.groups() if each.name == name]
    return found[0] if found else place.arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{name}")


# Systems Manager


def _send_command(asked: Asked, place: Place) -> Iterable[Need]:
    """One for the document and one for each instance; targets by tag could meet any, so all must be allowed."""
    yield Need("ssm:SendCommand", _document_arn(asked.one("DocumentName"), place))
    for each in asked.many("InstanceIds"):
        tags = place.books.tags_of(each)
        keys = {f"{prefix}/{name}".lower(): value for name, value in tags.items() for prefix in _TAG_KEYS}
        yield Need("ssm:SendCommand", place.arn("ec2", f"instance/{each}"), keys)
    if asked.many("Targets", "Key"):
        yield Need("ssm:SendCommand", place.arn("ec2", "instance/*"))
    if bucket := asked.one("OutputS3BucketName"):
        yield Need("ssm:SendCommand", f"arn:aws:s3:::{bucket}")


_TAG_KEYS = ("ssm:resourceTag", "aws:ResourceTag")


def _document(asked: Asked, place: Place) -> list[str]:
    return [_document_arn(asked.one("Name"), place)]


def _document_arn(name: str, place: Place) -> str:
    if name.startswith("arn:"):
        return name
    if name.startswith("AWS-"):  # Amazon's own are in no account
        return f"arn:aws:ssm:{place.region}::document/{name}"
    return place.arn("ssm", f"document/{name}")


def _parameter(asked: Asked, place: Place) -> list[str]:
    return [_parameter_arn(asked.one("Name"), place)]


def _parameters(asked: Asked, place: Place) -> list[str]:
    return [_parameter_arn(each, place) for each in asked.many("Names")]


def _path(asked: Asked, place: Place) -> list[str]:
    """The path that is asked for, not what is found below it."""
    return [_parameter_arn(asked.one("Path"), place)]


def _parameter_arn(name: str, place: Place) -> str:
    if name.startswith("arn:"):
        return name
    return place.arn("ssm", f"parameter/{name.removeprefix('/').partition(':')[0]}")  # NAME:VERSION, NAME:LABEL


# CloudWatch, ECR


def _alarms(asked: Asked, place: Place) -> list[str]:
    return [place.arn("cloudwatch", f"alarm:{each}") for each in asked.many("AlarmNames") or ["*"]]


def _alarm(asked: Asked, place: Place) -> list[str]:
    return [place.arn("cloudwatch", f"alarm:{asked.one('AlarmName')}")]


def _repository(asked: Asked, place: Place) -> list[str]:
    return [place.arn("ecr", f"repository/{asked.one('repositoryName')}")]


def _repositories(asked: Asked, place: Place) -> list[str]:
    return [place.arn("ecr", f"repository/{each}") for each in asked.many("repositoryNames") or ["*"]]


# IAM, STS, EC2


def _role(asked: Asked, place: Place) -> list[str]:
    return [place.iam(f"role/{asked.one('RoleName')}")]


def _user(asked: Asked, place: Place) -> list[str]:
    return [place.iam(f"user/{asked.one('UserName')}")]


def _profile(asked: Asked, place: Place) -> list[str]:
    return [place.iam(f"instance-profile/{asked.one('InstanceProfileName')}")]


def _put_into_profile(asked: Asked, place: Place) -> Iterable[Need]:
    yield Need("iam:AddRoleToInstanceProfile", place.iam(f"instance-profile/{asked.one('InstanceProfileName')}"))
    yield _pass(asked.one("RoleName"), place)


def _launch_template(asked: Asked, place: Place) -> list[str]:
    found = place.books.launch_template_id(asked.one("LaunchTemplateName"))
    return [place.arn("ec2", f"launch-template/{asked.one('LaunchTemplateId') or found}")]


def _run_instances(asked: Asked, place: Place) -> Iterable[Need]:
    """The instance and the role handed to it; not every resource it touches (image, subnet, …)."""
    yield Need("ec2:RunInstances", place.arn("ec2", "instance/*"), {"ec2:region": place.region})
    if profile := asked.one("IamInstanceProfile.Name") or asked.one("IamInstanceProfile.Arn").rpartition("/")[2]:
        yield _pass(place.books.role_of_profile(profile) or profile, place)


def _pass(role: str, place: Place) -> Need:
    return Need("iam:PassRole", place.iam(f"role/{role}"), {"iam:passedtoservice": "ec2.amazonaws.com"})


def _assume_role(asked: Asked, _place: Place) -> Iterable[Need]:
    given = {"sts:externalid": asked.one("ExternalId"), "sts:rolesessionname": asked.one("RoleSessionName")}
    yield Need("sts:AssumeRole", asked.one("RoleArn"), {name: value for name, value in given.items() if value})


def _nothing(_asked: Asked, _place: Place) -> Iterable[Need]:
    return ()


def _given(name: str) -> Resources:
    """The parameter of that name is the ARN."""
    return lambda asked, _place: [asked.one(name)]


_SPECIAL: dict[tuple[str, str], Callable[[Asked, Place], Iterable[Need]]] = {
    ("ssm", "SendCommand"): _send_command,
    ("ec2", "RunInstances"): _run_instances,
    ("iam", "AddRoleToInstanceProfile"): _put_into_profile,
    ("sts", "GetCallerIdentity"): _nothing,  # AWS allows it even where a policy denies it
    ("sts", "AssumeRoleWithWebIdentity"): _nothing,  # the token and the role's trust policy decide
    ("sts", "AssumeRole"): _assume_role,
}
_RESOURCES: dict[str, dict[str, Resources]] = {
    "autoscaling": {
        **dict.fromkeys(
            (
                "EnterStandby",
                "ExitStandby",
                "SuspendProcesses",
                "ResumeProcesses",
                "SetDesiredCapacity",
                "UpdateAutoScalingGroup",
                "DeleteAutoScalingGroup",
                "PutLifecycleHook",
                "DeleteLifecycleHook",
                "CompleteLifecycleAction",
                "RecordLifecycleActionHeartbeat",
                "StartInstanceRefresh",
                "CancelInstanceRefresh",
                "DetachInstances",
                "AttachInstances",
            ),
            _group,
        ),
        **dict.fromkeys(("SetInstanceHealth", "TerminateInstanceInAutoScalingGroup"), _group_of_instance),
    },
    "elasticloadbalancing": dict.fromkeys(
        ("RegisterTargets", "DeregisterTargets", "ModifyTargetGroup", "ModifyTargetGroupAttributes"),
        _given("TargetGroupArn"),
    ),
    "ssm": {
        **dict.fromkeys(("DescribeDocument", "GetDocument", "UpdateDocument", "DeleteDocument"), _document),
        **dict.fromkeys(("GetParameter", "PutParameter", "DeleteParameter", "GetParameterHistory"), _parameter),
        "GetParameters": _parameters,
        "GetParametersByPath": _path,
    },
    "cloudwatch": {
        "DescribeAlarms": _alarms,
        **dict.fromkeys(("PutMetricAlarm", "SetAlarmState"), _alarm),
    },
    "ecr": {
        "DescribeRepositories": _repositories,
        **dict.fromkeys(
            (
                "BatchCheckLayerAvailability",
                "InitiateLayerUpload",
                "UploadLayerPart",
                "CompleteLayerUpload",
                "PutImage",
                "BatchGetImage",
                "GetDownloadUrlForLayer",
                "DescribeImages",
                "ListImages",
                "BatchDeleteImage",
            ),
            _repository,
        ),
    },
    "iam": {
        **dict.fromkeys(
            (
                "GetRole",
                "GetRolePolicy",
                "PutRolePolicy",
                "ListRolePolicies",
                "ListAttachedRolePolicies",
                "AttachRolePolicy",
                "UpdateAssumeRolePolicy",
            ),
            _role,
        ),
        "GetInstanceProfile": _profile,
        "GetOpenIDConnectProvider": _given("OpenIDConnectProviderArn"),
        "SimulatePrincipalPolicy": _given("PolicySourceArn"),
        "CreateAccessKey": _user,
    },
    "ec2": dict.fromkeys(
        ("CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "DeleteLaunchTemplate"), _launch_template
    ),
}
_NO_RESOURCE = {
    "autoscaling": frozenset(
        {
            "DescribeAutoScalingGroups",
            "DescribeAutoScalingInstances",
            "DescribeScalingActivities",
            "DescribeLifecycleHooks",
            "DescribeInstanceRefreshes",
            "DescribePolicies",
        }
    ),
    "elasticloadbalancing": frozenset(
        {
            "DescribeTargetHealth",
            "DescribeTargetGroups",
            "DescribeTargetGroupAttributes",
            "DescribeLoadBalancers",
            "DescribeListeners",
            "DescribeRules",
        }
    ),
    "ssm": frozenset(
        {
            "CancelCommand",
            "ListCommands",
            "ListCommandInvocations",
            "GetCommandInvocation",
            "DescribeInstanceInformation",
            "DescribeParameters",
            "ListDocuments",
        }
    ),
    "cloudwatch": frozenset({"GetMetricData", "ListMetrics", "PutMetricData"}),
    "ecr": frozenset({"GetAuthorizationToken"}),
    "iam": frozenset({"ListOpenIDConnectProviders", "ListRoles", "GetAccountSummary"}),
    "ec2": frozenset(
        {
            "DescribeInstances",
            "DescribeInstanceStatus",
            "DescribeAvailabilityZones",
            "DescribeLaunchTemplates",
            "DescribeLaunchTemplateVersions",
            "DescribeIamInstanceProfileAssociations",
            "DescribeTags",
            "DescribeSecurityGroups",
            "DescribeSubnets",
            "DescribeVpcs",
        }
    ),
}
