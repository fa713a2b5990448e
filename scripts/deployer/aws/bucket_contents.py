"""What lies in the bucket, with sizes and ages, and its removal.

Rights a caller's role needs: s3:ListBucket, and s3:DeleteObject to remove. Nothing else of ours deletes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deployer.aws.refusals import calling


@dataclass(frozen=True)
class Listed:
    """An object as a listing shows it: bytes, and when it was written (epoch seconds, by S3's clock)."""

    key: str
    size: int
    written_at: float


class BucketContents:
    """One bucket; `client` is boto3's client for S3."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name

    def below(self, prefix: str) -> Iterator[Listed]:
        """The objects whose keys begin so."""
        with calling(f"s3:ListBucket on s3://{self._name}/{prefix}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix):
                for each in page.get("Contents", ()):
                    yield Listed(each["Key"], each["Size"], each["LastModified"].timestamp())

    def remove(self, key: str) -> None:
        """Takes an object away; in a bucket with versions it can be had back for a while."""
        with calling(f"s3:DeleteObject on s3://{self._name}/{key}"):
            self._client.delete_object(Bucket=self._name, Key=key)
