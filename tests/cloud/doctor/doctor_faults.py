"""What can be wrong before a first deploy, one fault at a time; each is put right again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from deployer.instance_files import ssm_document
from localcloud.faults import Asked
from tests.cloud.client import client_of
from tests.cloud.delivery import Delivery
from tests.waiting import eventually


@contextmanager
def without_versioning(delivery: Delivery) -> Iterator[None]:
    s3, bucket = client_of(delivery.cloud, "s3"), delivery.cloud.options.bucket
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    yield
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@contextmanager
def open_to_the_public(delivery: Delivery) -> Iterator[None]:
    s3, bucket = client_of(delivery.cloud, "s3"), delivery.cloud.options.bucket
    before = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    s3.delete_public_access_block(Bucket=bucket)
    yield
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=before)


@contextmanager
def unencrypted(delivery: Delivery) -> Iterator[None]:
    s3, bucket = client_of(delivery.cloud, "s3"), delivery.cloud.options.bucket
    before = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    s3.delete_bucket_encryption(Bucket=bucket)
    yield
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=before)


def without_statement(sid: str) -> Callable[[Delivery], Any]:
    @contextmanager
    def fault(delivery: Delivery) -> Iterator[None]:
        s3, bucket = client_of(delivery.cloud, "s3"), delivery.cloud.options.bucket
        before = s3.get_bucket_policy(Bucket=bucket)["Policy"]
        policy = json.loads(before)
        policy["Statement"] = [each for each in policy["Statement"] if each["Sid"] != sid]
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        yield
        s3.put_bucket_policy(Bucket=bucket, Policy=before)

    return fault


@contextmanager
def document_of_another_version(delivery: Delivery) -> Iterator[None]:
    ssm, name = client_of(delivery.cloud, "ssm"), delivery.cloud.options.document
    before = ssm.describe_document(Name=name)["Document"]["DocumentVersion"]
    other = ssm_document().replace("Brings an instance", "Brought an instance")
    made = ssm.update_document(Name=name, Content=other, DocumentVersion="$LATEST")["DocumentDescription"]
    ssm.update_document_default_version(Name=name, DocumentVersion=made["DocumentVersion"])
    yield
    ssm.update_document_default_version(Name=name, DocumentVersion=before)


@contextmanager
def frozen(delivery: Delivery) -> Iterator[None]:
    autoscaling = client_of(delivery.cloud, "autoscaling")
    tag = {
        "ResourceId": delivery.cloud.options.group,
        "ResourceType": "auto-scaling-group",
        "Key": "deploy-freeze",
        "Value": "black friday",
        "PropagateAtLaunch": False,
    }
    autoscaling.create_or_update_tags(Tags=[tag])
    yield
    autoscaling.delete_tags(Tags=[tag])


@contextmanager
def silent_agent(delivery: Delivery, how_many: int = 1) -> Iterator[None]:
    instances = delivery.in_service()[:how_many]
    for each in instances:
        delivery.cloud.inject(Asked("silent-agent", instance=each))
    yield
    for each in instances:
        delivery.cloud.inject(Asked("silent-agent", instance=each, clear=True))


def no_instance_online(delivery: Delivery) -> AbstractContextManager[None]:
    return silent_agent(delivery, delivery.cloud.options.instances)


@contextmanager
def no_parameter(delivery: Delivery) -> Iterator[None]:
    ssm, name = client_of(delivery.cloud, "ssm"), delivery.cloud.options.parameters
    value = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    ssm.delete_parameter(Name=name)
    yield
    ssm.put_parameter(Name=name, Type="SecureString", Value=value)


def without_permission(role: str, sid: str) -> Callable[[Delivery], Any]:
    """The role loses one statement."""

    @contextmanager
    def fault(delivery: Delivery) -> Iterator[None]:
        iam, name = client_of(delivery.cloud, "iam"), f"{delivery.cloud.options.group}-{role}"
        [policy] = iam.list_role_policies(RoleName=name)["PolicyNames"]
        before = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        kept = [each for each in before["Statement"] if each["Sid"] != sid]
        document = json.dumps({**before, "Statement": kept})
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)
        yield
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(before))

    return fault


@contextmanager
def wrong_health_port(delivery: Delivery) -> Iterator[None]:
    elbv2, arn = client_of(delivery.cloud, "elbv2"), delivery.cloud.environment["TARGET_GROUP_ARN"]
    elbv2.modify_target_group(TargetGroupArn=arn, HealthCheckPort="9")

    def unhealthy() -> bool:
        targets = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return all(each["TargetHealth"]["State"] == "unhealthy" for each in targets)

    eventually("unhealthy targets", unhealthy)
    yield
    elbv2.modify_target_group(TargetGroupArn=arn, HealthCheckPort="traffic-port")


FAULTS = [
    (without_versioning, "versioning", "put-bucket-versioning"),
    (open_to_the_public, "public access", "put-public-access-block"),
    (unencrypted, "encryption", "put-bucket-encryption"),
    (without_statement("TlsOnly"), "TLS only", '"aws:SecureTransport": "false"'),
    (without_statement("ReleasesAreWriteOnce"), "write once", '"s3:if-none-match": "true"'),
    (document_of_another_version, "document content", "aws ssm update-document --name awesomeorange-deploy"),
    (frozen, "group orange-web", "delete-tags"),
    (silent_agent, "instances of orange-web", "amazon-ssm-agent"),
    (no_instance_online, "instances of orange-web", "ssmmessages"),
    (no_parameter, "parameters on orange-web", "aws ssm put-parameter --type SecureString --name /orange/env"),
    (without_permission("deployer", "TagReleases"), "TagReleases", '"Action": "s3:PutObjectTagging"'),
    (without_permission("deployer", "KeepTheGroupQuiet"), "KeepTheGroupQuiet", "autoscaling:SuspendProcesses"),
    (without_permission("instance", "AnswerTheLaunchHook"), "AnswerTheLaunchHook", "CompleteLifecycleAction"),
    (wrong_health_port, "targets of orange-web", "aws elbv2 modify-target-group --health-check-path"),
]
