"""Which role instances run with, as EC2 knows it, read only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deployer.aws.refusals import calling


def of_instances(ec2: Any, ids: Sequence[str]) -> Mapping[str, str]:
    """By instance, the name of its instance profile; "" for none."""
    if not ids:
        return {}
    with calling("ec2:DescribeInstances"):
        reservations = ec2.describe_instances(InstanceIds=list(ids))["Reservations"]
    found = [each for reservation in reservations for each in reservation["Instances"]]
    return {each["InstanceId"]: each.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2] for each in found}
