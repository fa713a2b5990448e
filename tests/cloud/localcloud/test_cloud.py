"""What a cloud has of AWS from the start, and how many of it there can be."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.cloud import Cloud, CloudError
from localcloud.options import CloudOptions
from tests.cloud.client import client_of


def test_parameter_alarm_and_conditional_write_are_there(cloud: Cloud) -> None:
    name = cloud.environment["PARAMETERS"]
    value: str = client_of(cloud, "ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    assert {"PROMTAIL_PORT", "LOKI_URL", "DOCKERHUB_USERNAME", "GREETING"} <= {
        line.partition("=")[0] for line in value.splitlines()
    }
    assert client_of(cloud, "cloudwatch").describe_alarms()["MetricAlarms"] == []
    s3: Any = client_of(cloud, "s3")
    s3.put_object(Bucket=cloud.options.bucket, Key="once", Body=b"1", IfNoneMatch="*")
    with pytest.raises(s3.exceptions.ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=cloud.options.bucket, Key="once", Body=b"2", IfNoneMatch="*")


def test_a_process_has_one_cloud(cloud: Cloud, tmp_path: Any) -> None:
    with pytest.raises(CloudError, match="already"):
        Cloud(CloudOptions(tmp_path, runtime="process")).start()
    assert client_of(cloud, "s3").list_buckets()["Buckets"], "the first one is untouched"
