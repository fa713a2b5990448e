"""What a call is about: the ARNs of its resources, from its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from localcloud.aws.asked import Asked
from localcloud.aws.moto_seams import Books
from localcloud.aws.needs import Need


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


# Auto Scaling


def group(asked: Asked, place: Place) -> list[str]:
    return [_group_arn(asked.one("AutoScalingGroupName"), place)]


def group_of_instance(asked: Asked, place: Place) -> list[str]:
    tags = place.books.tags_of(asked.one("InstanceId"))
    return [_group_arn(tags.get("aws:autoscaling:groupName", ""), place)]


def _group_arn(name: str, place: Place) -> str:
    found = [each.arn for each in place.books.groups() if each.name == name]
    return found[0] if found else place.arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{name}")


# Systems Manager


def send_command(asked: Asked, place: Place) -> Iterable[Need]:
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


def document(asked: Asked, place: Place) -> list[str]:
    return [_document_arn(asked.one("Name"), place)]


def _document_arn(name: str, place: Place) -> str:
    if name.startswith("arn:"):
        return name
    if name.startswith("AWS-"):  # Amazon's own are in no account
        return f"arn:aws:ssm:{place.region}::document/{name}"
    return place.arn("ssm", f"document/{name}")


def parameter(asked: Asked, place: Place) -> list[str]:
    return [_parameter_arn(asked.one("Name"), place)]


def parameters(asked: Asked, place: Place) -> list[str]:
    return [_parameter_arn(each, place) for each in asked.many("Names")]


def path(asked: Asked, place: Place) -> list[str]:
    """The path that is asked for, not what is found below it."""
    return [_parameter_arn(asked.one("Path"), place)]


def _parameter_arn(name: str, place: Place) -> str:
    if name.startswith("arn:"):
        return name
    return place.arn("ssm", f"parameter/{name.removeprefix('/').partition(':')[0]}")  # NAME:VERSION, NAME:LABEL


# CloudWatch, ECR


def alarms(asked: Asked, place: Place) -> list[str]:
    """CloudWatch: who asks for composite alarms must be allowed every alarm."""
    if "CompositeAlarm" in asked.many("AlarmTypes"):
        return ["*"]
    return [place.arn("cloudwatch", f"alarm:{each}") for each in asked.many("AlarmNames") or ["*"]]


def alarm(asked: Asked, place: Place) -> list[str]:
    return [place.arn("cloudwatch", f"alarm:{asked.one('AlarmName')}")]


def repository(asked: Asked, place: Place) -> list[str]:
    return [place.arn("ecr", f"repository/{asked.one('repositoryName')}")]


def repositories(asked: Asked, place: Place) -> list[str]:
    return [place.arn("ecr", f"repository/{each}") for each in asked.many("repositoryNames") or ["*"]]


# IAM, STS, EC2


def role(asked: Asked, place: Place) -> list[str]:
    return [place.iam(f"role/{asked.one('RoleName')}")]


def user(asked: Asked, place: Place) -> list[str]:
    return [place.iam(f"user/{asked.one('UserName')}")]


def profile(asked: Asked, place: Place) -> list[str]:
    return [place.iam(f"instance-profile/{asked.one('InstanceProfileName')}")]


def put_into_profile(asked: Asked, place: Place) -> Iterable[Need]:
    yield Need("iam:AddRoleToInstanceProfile", place.iam(f"instance-profile/{asked.one('InstanceProfileName')}"))
    yield _pass(asked.one("RoleName"), place)


def launch_template(asked: Asked, place: Place) -> list[str]:
    found = place.books.launch_template_id(asked.one("LaunchTemplateName"))
    return [place.arn("ec2", f"launch-template/{asked.one('LaunchTemplateId') or found}")]


def run_instances(asked: Asked, place: Place) -> Iterable[Need]:
    """The instance and the role handed to it; not every resource it touches (image, subnet, …)."""
    yield Need("ec2:RunInstances", place.arn("ec2", "instance/*"), {"ec2:region": place.region})
    if profile := asked.one("IamInstanceProfile.Name") or asked.one("IamInstanceProfile.Arn").rpartition("/")[2]:
        yield _pass(place.books.role_of_profile(profile) or profile, place)


def _pass(role: str, place: Place) -> Need:
    return Need("iam:PassRole", place.iam(f"role/{role}"), {"iam:passedtoservice": "ec2.amazonaws.com"})


def assume_role(asked: Asked, _place: Place) -> Iterable[Need]:
    given = {"sts:externalid": asked.one("ExternalId"), "sts:rolesessionname": asked.one("RoleSessionName")}
    yield Need("sts:AssumeRole", asked.one("RoleArn"), {name: value for name, value in given.items() if value})


def nothing(_asked: Asked, _place: Place) -> Iterable[Need]:
    return ()


def given(name: str) -> Resources:
    """The parameter of that name is the ARN."""
    return lambda asked, _place: [asked.one(name)]
