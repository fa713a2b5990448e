"""Requests that must be denied to one of our roles: what a row of the table is, and what rows have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.cloud.attacks.two_teams import BUCKET, OURS_GROUP, TwoTeams

NO_POLICY = "because no identity-based policy allows the {action} action"
BUCKET_SAYS_NO = "with an explicit deny in a resource-based policy"
DOCUMENT = "awesomeorange-deploy"
STATUS_OF_GROUP = {"Subcommand": ["status"], "App": ["orange"], "Bucket": [BUCKET], "Group": [OURS_GROUP]}


@dataclass(frozen=True)
class Attack:
    """A request that must be denied to one of our roles, for want of one permission."""

    name: str
    by: str
    service: str
    denied: str
    call: Callable[[Any, TwoTeams], Any]
    why: str = NO_POLICY


def put(key: str, **conditions: str) -> Callable[[Any, TwoTeams], Any]:
    return lambda s3, _: s3.put_object(Bucket=BUCKET, Key=key, Body=b"!", **conditions)


def put_over(key: str) -> Callable[[Any, TwoTeams], Any]:
    """With the etag of what is there, as whoever has read it could."""
    return lambda s3, teams: s3.put_object(Bucket=BUCKET, Key=key, Body=b"!", IfMatch=teams.etag(key))


def get(key: str) -> Callable[[Any, TwoTeams], Any]:
    return lambda s3, _: s3.get_object(Bucket=BUCKET, Key=key)


def delete(key: str, **which: str) -> Callable[[Any, TwoTeams], Any]:
    return lambda s3, _: s3.delete_object(Bucket=BUCKET, Key=key, **which)


def listing(prefix: str) -> Callable[[Any, TwoTeams], Any]:
    return lambda s3, _: s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)


def send(document: str, **to: Any) -> Callable[[Any, TwoTeams], Any]:
    given = {"commands": ["id"]} if document.startswith("AWS-") else STATUS_OF_GROUP

    def call(ssm: Any, teams: TwoTeams) -> Any:
        targets = to or {"InstanceIds": [teams.our_instance]}
        return ssm.send_command(DocumentName=document, Parameters=given, **targets)

    return call


def parameter(name: str) -> Callable[[Any, TwoTeams], Any]:
    return lambda ssm, _: ssm.get_parameter(Name=name, WithDecryption=True)


EVERYBODY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
DEPLOYER, INSTANCE, MONITORING, STATUS, JANITOR = (
    f"orange-web-{each}" for each in ("deployer", "instance", "monitoring", "status", "janitor")
)
NEW = {"IfNoneMatch": "*"}
