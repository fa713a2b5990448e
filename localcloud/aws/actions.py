"""Which permissions an operation needs, for every service but S3: action, resources, condition keys.

Source: the service authorization reference. What is not here nobody but the account itself may call: an operation
whose permissions nobody looked up must not slip through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from localcloud.aws import call_resources as of
from localcloud.aws.asked import Asked
from localcloud.aws.call_resources import Place, Resources
from localcloud.aws.needs import Need, UnknownOperation


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


_SPECIAL: dict[tuple[str, str], Callable[[Asked, Place], Iterable[Need]]] = {
    ("ssm", "SendCommand"): of.send_command,
    ("ec2", "RunInstances"): of.run_instances,
    ("iam", "AddRoleToInstanceProfile"): of.put_into_profile,
    ("sts", "GetCallerIdentity"): of.nothing,  # AWS allows it even where a policy denies it
    ("sts", "AssumeRoleWithWebIdentity"): of.nothing,  # the token and the role's trust policy decide
    ("sts", "AssumeRole"): of.assume_role,
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
            of.group,
        ),
        **dict.fromkeys(("SetInstanceHealth", "TerminateInstanceInAutoScalingGroup"), of.group_of_instance),
    },
    "elasticloadbalancing": dict.fromkeys(
        ("RegisterTargets", "DeregisterTargets", "ModifyTargetGroup", "ModifyTargetGroupAttributes"),
        of.given("TargetGroupArn"),
    ),
    "ssm": {
        **dict.fromkeys(("DescribeDocument", "GetDocument", "UpdateDocument", "DeleteDocument"), of.document),
        **dict.fromkeys(("GetParameter", "PutParameter", "DeleteParameter", "GetParameterHistory"), of.parameter),
        "GetParameters": of.parameters,
        "GetParametersByPath": of.path,
    },
    "cloudwatch": {
        "DescribeAlarms": of.alarms,
        **dict.fromkeys(("PutMetricAlarm", "SetAlarmState"), of.alarm),
    },
    "ecr": {
        "DescribeRepositories": of.repositories,
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
            of.repository,
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
            of.role,
        ),
        "GetInstanceProfile": of.profile,
        "GetOpenIDConnectProvider": of.given("OpenIDConnectProviderArn"),
        "SimulatePrincipalPolicy": of.given("PolicySourceArn"),
        "CreateAccessKey": of.user,
    },
    "ec2": dict.fromkeys(
        ("CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "DeleteLaunchTemplate"), of.launch_template
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
