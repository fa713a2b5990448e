"""Which permissions a request needs, by what is on the wire."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from localcloud.aws.actions import needs_of
from localcloud.aws.asked import Asked
from localcloud.aws.call_resources import Place
from localcloud.aws.needs import Need, UnknownOperation
from localcloud.aws.s3_needs import S3Request

REGION = "eu-central-1"
OBJECT = "arn:aws:s3:::b/k/1"
SSM = f"arn:aws:ssm:{REGION}:123456789012"


class Books:
    """What the account knows: one instance of a group."""

    account = "123456789012"

    def tags_of(self, resource_id: str) -> dict[str, str]:
        return {"aws:autoscaling:groupName": "web"} if resource_id == "i-1" else {}

    def groups(self) -> list[Any]:
        return []


def s3(method: str, path: str, query: str = "", body: str = "", **headers: str) -> list[Need]:
    environ = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    environ |= {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body))}
    return S3Request({**environ, "wsgi.input": io.BytesIO(body.encode())}).needs()


def call(service: str, operation: str, form: bool = False, **parameters: Any) -> list[Need]:
    body = urlencode(parameters) if form else json.dumps(parameters)
    environ: Any = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body.encode())}
    if not form:
        environ["HTTP_X_AMZ_TARGET"] = f"X.{operation}"
    books: Any = Books()
    return needs_of(service, operation, Asked(environ), Place(books, REGION))


@pytest.mark.parametrize(
    ("method", "path", "query", "action", "resource"),
    [
        ("GET", "/b/k/1", "", "s3:GetObject", OBJECT),
        ("GET", "/b/k/1", "x-id=GetObject", "s3:GetObject", OBJECT),
        ("HEAD", "/b/k/1", "", "s3:GetObject", OBJECT),
        ("GET", "/b/k/1", "versionId=7", "s3:GetObjectVersion", OBJECT),
        ("DELETE", "/b/k/1", "", "s3:DeleteObject", OBJECT),
        ("DELETE", "/b/k/1", "versionId=7", "s3:DeleteObjectVersion", OBJECT),
        ("GET", "/b/k/1", "tagging", "s3:GetObjectTagging", OBJECT),
        ("DELETE", "/b/k/1", "uploadId=9", "s3:AbortMultipartUpload", OBJECT),
        ("GET", "/b", "list-type=2&prefix=k%2F", "s3:ListBucket", "arn:aws:s3:::b"),
        ("GET", "/b/", "versions", "s3:ListBucketVersions", "arn:aws:s3:::b"),
        ("HEAD", "/b", "", "s3:ListBucket", "arn:aws:s3:::b"),
        ("PUT", "/b", "policy", "s3:PutBucketPolicy", "arn:aws:s3:::b"),
        ("GET", "/b", "encryption", "s3:GetEncryptionConfiguration", "arn:aws:s3:::b"),
        ("PUT", "/b", "", "s3:CreateBucket", "arn:aws:s3:::b"),
        ("GET", "/", "", "s3:ListAllMyBuckets", "*"),
    ],
)
def test_a_request_to_s3_needs_one_permission(method: str, path: str, query: str, action: str, resource: str) -> None:
    [need] = s3(method, path, query)
    assert (need.action, need.resource) == (action, resource)


def test_a_listing_carries_its_prefix_and_one_without_has_none() -> None:
    assert s3("GET", "/b", "list-type=2&prefix=k%2F")[0].keys == {"s3:prefix": "k/"}
    assert s3("GET", "/b", "prefix=")[0].keys == {"s3:prefix": ""}
    assert s3("GET", "/b")[0].keys == {}


def test_a_write_carries_its_conditions_and_a_part_of_an_upload_creates_nothing() -> None:
    [create] = s3("PUT", "/b/k/1", if_none_match="*")
    assert create.keys == {"s3:objectcreationoperation": "true", "s3:if-none-match": "*"}
    [part] = s3("PUT", "/b/k/1", "partNumber=1&uploadId=9")
    assert (part.action, part.keys) == ("s3:PutObject", {"s3:objectcreationoperation": "false"})
    [begin], [end] = s3("POST", "/b/k/1", "uploads"), s3("POST", "/b/k/1", "uploadId=9")
    assert (begin.keys["s3:objectcreationoperation"], end.keys["s3:objectcreationoperation"]) == ("false", "true")


def test_what_a_write_asks_for_besides_needs_a_permission_of_its_own() -> None:
    needs = s3("PUT", "/b/k/1", x_amz_tagging="version=v1", x_amz_acl="public-read", x_amz_copy_source="b/other%201")
    assert [(each.action, each.resource) for each in needs] == [
        ("s3:PutObject", OBJECT),
        ("s3:PutObjectTagging", OBJECT),
        ("s3:PutObjectAcl", OBJECT),
        ("s3:GetObject", "arn:aws:s3:::b/other 1"),
    ]
    assert needs[1].keys["s3:requestobjecttag/version"] == "v1"


def test_deleting_several_objects_needs_the_permission_for_each() -> None:
    body = "<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key><VersionId>7</VersionId></Object></Delete>"
    assert [(each.action, each.resource) for each in s3("POST", "/b", "delete", body)] == [
        ("s3:DeleteObject", "arn:aws:s3:::b/a&b"),
        ("s3:DeleteObjectVersion", "arn:aws:s3:::b/c"),
    ]


def test_a_command_needs_its_document_and_each_of_its_instances() -> None:
    document, known, unknown = call("ssm", "SendCommand", DocumentName="deploy", InstanceIds=["i-1", "i-2"])
    assert document.resource == f"{SSM}:document/deploy"
    assert known.resource == f"arn:aws:ec2:{REGION}:123456789012:instance/i-1"
    assert known.keys["ssm:resourcetag/aws:autoscaling:groupname"] == "web"
    assert unknown.keys == {}


def test_a_command_to_whoever_has_a_tag_needs_every_instance() -> None:
    _, instances = call("ssm", "SendCommand", DocumentName="d", Targets=[{"Key": "tag:Name", "Values": ["x"]}])
    assert (instances.resource, instances.keys) == (f"arn:aws:ec2:{REGION}:123456789012:instance/*", {})


def test_amazons_own_documents_are_in_no_account() -> None:
    [document] = call("ssm", "SendCommand", DocumentName="AWS-RunShellScript")
    assert document.resource == f"arn:aws:ssm:{REGION}::document/AWS-RunShellScript"


@pytest.mark.parametrize(
    ("operation", "parameters", "resources"),
    [
        ("GetParameter", {"Name": "/a/env:7"}, ["parameter/a/env"]),
        ("GetParameter", {"Name": "plain"}, ["parameter/plain"]),
        ("GetParameters", {"Names": ["/a", "/b"]}, ["parameter/a", "parameter/b"]),
        ("GetParametersByPath", {"Path": "/a/env/"}, ["parameter/a/env/"]),
        ("DescribeDocument", {"Name": "d"}, ["document/d"]),
    ],
)
def test_what_a_call_to_systems_manager_is_about(
    operation: str, parameters: dict[str, Any], resources: list[str]
) -> None:
    needs = call("ssm", operation, **parameters)
    assert [each.resource for each in needs] == [f"{SSM}:{each}" for each in resources]


def test_lists_in_a_form_are_read_whatever_their_spelling() -> None:
    form = {"AlarmNames.member.1": "a", "AlarmNames.member.2": "b"}
    alarm = f"arn:aws:cloudwatch:{REGION}:123456789012:alarm"
    assert [each.resource for each in call("cloudwatch", "DescribeAlarms", form=True, **form)] == [
        f"{alarm}:a",
        f"{alarm}:b",
    ]
    assert [each.resource for each in call("cloudwatch", "DescribeAlarms", form=True)] == [f"{alarm}:*"]


def test_composite_alarms_need_every_alarm() -> None:
    [need] = call("cloudwatch", "DescribeAlarms", AlarmNames=["a"], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    assert need.resource == "*"
    [need] = call("cloudwatch", "DescribeAlarms", AlarmNames=["a"], AlarmTypes=["MetricAlarm"])
    assert need.resource.endswith(":alarm:a")


def test_a_call_that_is_about_nothing_in_particular_needs_everything() -> None:
    assert call("ec2", "DescribeInstances", form=True) == [Need("ec2:DescribeInstances", "*", {"ec2:region": REGION})]
    assert call("sts", "GetCallerIdentity", form=True) == []


def test_an_operation_nobody_has_looked_up_is_not_guessed() -> None:
    with pytest.raises(UnknownOperation, match="ssm:StartSession"):
        call("ssm", "StartSession")


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [("PUT", "/b", "website"), ("PUT", "/b/k/1", "retention"), ("POST", "/b/k/1", "restore"), ("POST", "/b", "")],
)
def test_a_part_of_s3_nobody_has_looked_up_is_not_taken_for_the_object(method: str, path: str, query: str) -> None:
    with pytest.raises(UnknownOperation):
        s3(method, path, query)
