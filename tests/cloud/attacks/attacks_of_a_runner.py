"""What a stolen deployer's credential must not reach."""

from __future__ import annotations

import json

from tests.cloud.attacks.attack_requests import (
    BUCKET_SAYS_NO,
    DEPLOYER,
    DOCUMENT,
    EVERYBODY,
    NEW,
    Attack,
    get,
    parameter,
    put,
    put_over,
    send,
)
from tests.cloud.attacks.two_teams import BUCKET, OURS_GROUP, RELEASE, THEIR_GROUP

STOLEN_RUNNER = (
    Attack("read-a-secret", DEPLOYER, "ssm", "ssm:GetParameter", parameter("/orange/env")),
    Attack(
        "read-all-secrets",
        DEPLOYER,
        "ssm",
        "ssm:GetParametersByPath",
        lambda ssm, _: ssm.get_parameters_by_path(Path="/", Recursive=True, WithDecryption=True),
    ),
    Attack(
        "write-a-secret",
        DEPLOYER,
        "ssm",
        "ssm:PutParameter",
        lambda ssm, _: ssm.put_parameter(Name="/orange/env", Value="A=1", Type="SecureString", Overwrite=True),
    ),
    Attack("run-any-shell-command", DEPLOYER, "ssm", "ssm:SendCommand", send("AWS-RunShellScript")),
    Attack("send-another-document", DEPLOYER, "ssm", "ssm:SendCommand", send("somebody-elses")),
    Attack(
        "send-to-another-group",
        DEPLOYER,
        "ssm",
        "ssm:SendCommand",
        lambda ssm, teams: send(DOCUMENT, InstanceIds=[teams.our_instance, teams.their_instance])(ssm, teams),
    ),
    Attack(
        "send-to-whoever-has-a-tag",
        DEPLOYER,
        "ssm",
        "ssm:SendCommand",
        send(DOCUMENT, Targets=[{"Key": "tag:Name", "Values": ["lemon"]}]),
    ),
    Attack(
        "change-the-document",
        DEPLOYER,
        "ssm",
        "ssm:UpdateDocument",
        lambda ssm, _: ssm.update_document(Name=DOCUMENT, Content="{}", DocumentVersion="$LATEST"),
    ),
    Attack("overwrite-a-release", DEPLOYER, "s3", "s3:PutObject", put(RELEASE), BUCKET_SAYS_NO),
    Attack("overwrite-a-release-it-has-read", DEPLOYER, "s3", "s3:PutObject", put_over(RELEASE), BUCKET_SAYS_NO),
    Attack(
        "overwrite-a-release-in-parts",
        DEPLOYER,
        "s3",
        "s3:PutObject",
        lambda s3, _: s3.create_multipart_upload(Bucket=BUCKET, Key=RELEASE),
        BUCKET_SAYS_NO,
    ),
    Attack(
        "overwrite-a-release-by-a-copy",
        DEPLOYER,
        "s3",
        "s3:PutObject",
        lambda s3, _: s3.copy_object(Bucket=BUCKET, Key=RELEASE, CopySource=f"{BUCKET}/orange/releases/v1/evil"),
        BUCKET_SAYS_NO,
    ),
    Attack(
        "delete-a-release",
        DEPLOYER,
        "s3",
        "s3:DeleteObject",
        lambda s3, _: s3.delete_object(Bucket=BUCKET, Key=RELEASE),
        BUCKET_SAYS_NO,
    ),
    Attack(
        "delete-releases-at-once",
        DEPLOYER,
        "s3",
        "s3:DeleteObject",
        lambda s3, _: s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": RELEASE}]}),
        BUCKET_SAYS_NO,
    ),
    Attack(
        "delete-a-version-of-a-release",
        DEPLOYER,
        "s3",
        "s3:DeleteObjectVersion",
        lambda s3, teams: s3.delete_object(Bucket=BUCKET, Key=RELEASE, VersionId=teams.version(RELEASE)),
        BUCKET_SAYS_NO,
    ),
    Attack(
        "desired-without-having-read-it",
        DEPLOYER,
        "s3",
        "s3:PutObject",
        put("orange/groups/orange-web/desired.json"),
        BUCKET_SAYS_NO,
    ),
    Attack("another-apps-release", DEPLOYER, "s3", "s3:PutObject", put("lemon/releases/v2/release.json", **NEW)),
    Attack("another-apps-group", DEPLOYER, "s3", "s3:PutObject", put_over("lemon/groups/lemon-web/desired.json")),
    Attack("our-other-group", DEPLOYER, "s3", "s3:PutObject", put_over("orange/groups/orange-staged/desired.json")),
    Attack("read-another-apps-release", DEPLOYER, "s3", "s3:GetObject", get("lemon/releases/v1/release.json")),
    Attack("list-the-bucket", DEPLOYER, "s3", "s3:ListBucket", lambda s3, _: s3.list_objects_v2(Bucket=BUCKET)),
    Attack(
        "lift-the-buckets-policy",
        DEPLOYER,
        "s3",
        "s3:DeleteBucketPolicy",
        lambda s3, _: s3.delete_bucket_policy(Bucket=BUCKET),
    ),
    Attack(
        "keep-no-versions",
        DEPLOYER,
        "s3",
        "s3:PutBucketVersioning",
        lambda s3, _: s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"}),
    ),
    Attack(
        "let-releases-expire",
        DEPLOYER,
        "s3",
        "s3:PutLifecycleConfiguration",
        lambda s3, _: s3.put_bucket_lifecycle_configuration(
            Bucket=BUCKET,
            LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}}]},
        ),
    ),
    Attack(
        "change-the-launch-template",
        DEPLOYER,
        "ec2",
        "ec2:CreateLaunchTemplateVersion",
        lambda ec2, _: ec2.create_launch_template_version(
            LaunchTemplateName=OURS_GROUP, LaunchTemplateData={"UserData": "IyEvYmluL3NoCg=="}
        ),
    ),
    Attack(
        "pick-another-template-version",
        DEPLOYER,
        "ec2",
        "ec2:ModifyLaunchTemplate",
        lambda ec2, _: ec2.modify_launch_template(LaunchTemplateName=OURS_GROUP, DefaultVersion="1"),
    ),
    Attack(
        "launch-an-instance-with-a-role",
        DEPLOYER,
        "ec2",
        "ec2:RunInstances",
        lambda ec2, _: ec2.run_instances(
            ImageId="ami-12c6146b", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "lemon-web-instance"}
        ),
    ),
    Attack(
        "change-the-groups-size",
        DEPLOYER,
        "autoscaling",
        "autoscaling:UpdateAutoScalingGroup",
        lambda group, _: group.update_auto_scaling_group(AutoScalingGroupName=OURS_GROUP, MinSize=0, MaxSize=0),
    ),
    Attack(
        "empty-the-group",
        DEPLOYER,
        "autoscaling",
        "autoscaling:SetDesiredCapacity",
        lambda group, _: group.set_desired_capacity(AutoScalingGroupName=OURS_GROUP, DesiredCapacity=0),
    ),
    Attack(
        "end-an-instance",
        DEPLOYER,
        "autoscaling",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        lambda group, teams: group.terminate_instance_in_auto_scaling_group(
            InstanceId=teams.our_instance, ShouldDecrementDesiredCapacity=False
        ),
    ),
    Attack(
        "keep-another-group-from-healing",
        DEPLOYER,
        "autoscaling",
        "autoscaling:SuspendProcesses",
        lambda group, _: group.suspend_processes(AutoScalingGroupName=THEIR_GROUP),
    ),
    Attack(
        "take-another-group-out-of-traffic",
        DEPLOYER,
        "elbv2",
        "elasticloadbalancing:DeregisterTargets",
        lambda elb, teams: elb.deregister_targets(
            TargetGroupArn=teams.cloud.environment["TARGET_GROUP_ARN"].replace("/orange-web/", "/lemon-web/"),
            Targets=[{"Id": teams.their_instance}],
        ),
    ),
    Attack(
        "pass-a-role",
        DEPLOYER,
        "iam",
        "iam:AddRoleToInstanceProfile",
        lambda iam, _: iam.add_role_to_instance_profile(
            InstanceProfileName="orange-web-instance", RoleName="lemon-web-deployer"
        ),
    ),
    Attack(
        "give-itself-more",
        DEPLOYER,
        "iam",
        "iam:PutRolePolicy",
        lambda iam, _: iam.put_role_policy(RoleName=DEPLOYER, PolicyName="all", PolicyDocument=json.dumps(EVERYBODY)),
    ),
    Attack(
        "let-others-be-it",
        DEPLOYER,
        "iam",
        "iam:UpdateAssumeRolePolicy",
        lambda iam, _: iam.update_assume_role_policy(RoleName=DEPLOYER, PolicyDocument=json.dumps(EVERYBODY)),
    ),
    Attack(
        "make-a-key",
        DEPLOYER,
        "iam",
        "iam:CreateAccessKey",
        lambda iam, _: iam.create_access_key(UserName="operator"),
    ),
    Attack(
        "become-an-instance",
        DEPLOYER,
        "sts",
        "sts:AssumeRole",
        lambda sts, _: sts.assume_role(
            RoleArn="arn:aws:iam::123456789012:role/orange-web-instance", RoleSessionName="mallory"
        ),
        "",
    ),
    Attack(
        "watch-everybodys-alarms",
        DEPLOYER,
        "cloudwatch",
        "cloudwatch:DescribeAlarms",
        lambda alarms, _: alarms.describe_alarms(AlarmNames=["lemon-errors"]),
    ),
    Attack(
        "push-another-apps-image",
        DEPLOYER,
        "ecr",
        "ecr:PutImage",
        lambda ecr, _: ecr.put_image(repositoryName="lemon", imageManifest="{}"),
    ),
)
