"""What a compromised instance, a monitoring host, a pull request and a stolen janitor must not reach."""

from __future__ import annotations

from tests.cloud.attacks.attack_requests import (
    DOCUMENT,
    INSTANCE,
    JANITOR,
    MONITORING,
    NEW,
    STATUS,
    Attack,
    delete,
    get,
    listing,
    parameter,
    put,
    put_over,
    send,
)
from tests.cloud.attacks.two_teams import BUCKET, RELEASE, THEIR_GROUP

RECORD = "orange/groups/orange-web/rollouts/0000000009.json"
COMPROMISED_INSTANCE = (
    Attack("another-apps-secret", INSTANCE, "ssm", "ssm:GetParameter", parameter("/lemon/env")),
    Attack(
        "every-secret",
        INSTANCE,
        "ssm",
        "ssm:GetParametersByPath",
        lambda ssm, _: ssm.get_parameters_by_path(Path="/", Recursive=True),
    ),
    Attack(
        "secrets-by-another-call",
        INSTANCE,
        "ssm",
        "ssm:GetParameters",
        lambda ssm, _: ssm.get_parameters(Names=["/lemon/env"]),
    ),
    Attack("another-apps-release", INSTANCE, "s3", "s3:GetObject", get("lemon/releases/v1/release.json")),
    Attack("another-apps-desired", INSTANCE, "s3", "s3:GetObject", get("lemon/groups/lemon-web/desired.json")),
    Attack("another-groups-desired", INSTANCE, "s3", "s3:GetObject", get("orange/groups/orange-staged/desired.json")),
    Attack("the-groups-lease", INSTANCE, "s3", "s3:GetObject", get("orange/groups/orange-web/lease.json")),
    Attack("list-the-bucket", INSTANCE, "s3", "s3:ListBucket", lambda s3, _: s3.list_objects_v2(Bucket=BUCKET)),
    Attack("list-another-apps-releases", INSTANCE, "s3", "s3:ListBucket", listing("lemon/releases/")),
    Attack("list-what-only-begins-like-its-app", INSTANCE, "s3", "s3:ListBucket", listing("orange")),
    Attack("list-its-groups-records", INSTANCE, "s3", "s3:ListBucket", listing("orange/groups/orange-web/")),
    Attack("write-desired", INSTANCE, "s3", "s3:PutObject", put_over("orange/groups/orange-web/desired.json")),
    Attack(
        "write-a-record",
        INSTANCE,
        "s3",
        "s3:PutObject",
        put(RECORD, **NEW),
    ),
    Attack("write-a-release", INSTANCE, "s3", "s3:PutObject", put("orange/releases/v9/release.json", **NEW)),
    Attack("command-its-siblings", INSTANCE, "ssm", "ssm:SendCommand", send(DOCUMENT)),
    Attack(
        "read-what-others-printed",
        INSTANCE,
        "ssm",
        "ssm:ListCommandInvocations",
        lambda ssm, _: ssm.list_command_invocations(Details=True),
    ),
    Attack(
        "let-another-groups-instance-in",
        INSTANCE,
        "autoscaling",
        "autoscaling:CompleteLifecycleAction",
        lambda group, teams: group.complete_lifecycle_action(
            AutoScalingGroupName=THEIR_GROUP,
            LifecycleHookName="deployer-boot",
            InstanceId=teams.their_instance,
            LifecycleActionResult="CONTINUE",
        ),
    ),
    Attack("see-the-fleet", INSTANCE, "ec2", "ec2:DescribeInstances", lambda ec2, _: ec2.describe_instances()),
)
MONITORING_HOST = (
    Attack("read-a-secret", MONITORING, "ssm", "ssm:GetParameter", parameter("/orange/env")),
    Attack("read-a-release", MONITORING, "s3", "s3:GetObject", get(RELEASE)),
    Attack("run-a-shell-command", MONITORING, "ssm", "ssm:SendCommand", send("AWS-RunShellScript")),
    Attack("write-desired", MONITORING, "s3", "s3:PutObject", put_over("orange/groups/orange-web/desired.json")),
)
PULL_REQUEST = (
    Attack("send-a-command", STATUS, "ssm", "ssm:SendCommand", send(DOCUMENT)),
    Attack(
        "recall-a-command", STATUS, "ssm", "ssm:CancelCommand", lambda ssm, _: ssm.cancel_command(CommandId="0" * 36)
    ),
    Attack(
        "read-what-instances-printed",
        STATUS,
        "ssm",
        "ssm:ListCommandInvocations",
        lambda ssm, _: ssm.list_command_invocations(Details=True),
    ),
    Attack(
        "read-what-one-instance-printed",
        STATUS,
        "ssm",
        "ssm:GetCommandInvocation",
        lambda ssm, teams: ssm.get_command_invocation(CommandId="0" * 36, InstanceId=teams.our_instance),
    ),
    Attack("read-a-secret", STATUS, "ssm", "ssm:GetParameter", parameter("/orange/env")),
    Attack("read-more-than-a-manifest", STATUS, "s3", "s3:GetObject", get("orange/releases/v1/docker-compose.yml")),
    Attack("write-desired", STATUS, "s3", "s3:PutObject", put_over("orange/groups/orange-web/desired.json")),
    Attack("take-the-lease", STATUS, "s3", "s3:PutObject", put_over("orange/groups/orange-web/lease.json")),
    Attack("write-a-release", STATUS, "s3", "s3:PutObject", put("orange/releases/v9/release.json", **NEW)),
    Attack(
        "drain-an-instance",
        STATUS,
        "elbv2",
        "elasticloadbalancing:DeregisterTargets",
        lambda elb, teams: elb.deregister_targets(
            TargetGroupArn=teams.cloud.environment["TARGET_GROUP_ARN"], Targets=[{"Id": teams.our_instance}]
        ),
    ),
)
STOLEN_JANITOR = (
    Attack("remove-what-is-desired", JANITOR, "s3", "s3:DeleteObject", delete("orange/groups/orange-web/desired.json")),
    Attack("remove-another-apps-release", JANITOR, "s3", "s3:DeleteObject", delete("lemon/releases/v1/release.json")),
    Attack(
        "remove-a-release-for-good",
        JANITOR,
        "s3",
        "s3:DeleteObjectVersion",
        lambda s3, teams: delete(RELEASE, VersionId=teams.version(RELEASE))(s3, teams),
    ),
    Attack("read-a-release", JANITOR, "s3", "s3:GetObject", get(RELEASE)),
    Attack("read-another-apps-state", JANITOR, "s3", "s3:GetObject", get("lemon/groups/lemon-web/desired.json")),
    Attack("write-a-release", JANITOR, "s3", "s3:PutObject", put("orange/releases/v9/release.json", **NEW)),
    Attack("write-desired", JANITOR, "s3", "s3:PutObject", put_over("orange/groups/orange-web/desired.json")),
    Attack("read-a-secret", JANITOR, "ssm", "ssm:GetParameter", parameter("/orange/env")),
    Attack("send-a-command", JANITOR, "ssm", "ssm:SendCommand", send(DOCUMENT)),
)
