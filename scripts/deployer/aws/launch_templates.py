"""What a launch template makes instances with."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployer.aws.refusals import calling


@dataclass(frozen=True)
class LaunchTemplate:
    """One version of a launch template, as far as a delivery depends on it."""

    name: str
    version: str
    http_tokens: str
    """`required`: only IMDSv2; "" leaves it to the image."""
    hop_limit: int
    """How far an answer of the metadata service travels; 0 leaves it to the image."""
    instance_profile: str
    """Its name; "" for none."""
    user_data: str


def launch_template(ec2: Any, named: Mapping[str, str]) -> LaunchTemplate:
    """The version a group launches from; `named` as Auto Scaling names it: id or name, and Version."""
    which = {key: named[key] for key in ("LaunchTemplateId", "LaunchTemplateName") if named.get(key)}
    which = dict(list(which.items())[:1])  # EC2 takes one of the two
    with calling("ec2:DescribeLaunchTemplateVersions"):
        answer = ec2.describe_launch_template_versions(**which, Versions=[named.get("Version") or "$Default"])
    found = answer["LaunchTemplateVersions"][0]
    data = found["LaunchTemplateData"]
    options, profile = data.get("MetadataOptions", {}), data.get("IamInstanceProfile", {})
    return LaunchTemplate(
        name=str(found.get("LaunchTemplateName", "")),
        version=str(found.get("VersionNumber", "")),
        http_tokens=str(options.get("HttpTokens", "")),
        hop_limit=int(options.get("HttpPutResponseHopLimit") or 0),
        instance_profile=str(profile.get("Name") or str(profile.get("Arn", "")).rpartition("/")[2]),
        user_data=_decoded(str(data.get("UserData") or "")),
    )


def _decoded(text: str) -> str:
    """User data is kept in base64; what is none of ours may be anything."""
    try:
        return base64.b64decode(text).decode()
    except ValueError:
        return ""
