"""The S3 bucket: whole objects, written only under a condition, with a checksum S3 verifies.

The keys say what an object is for (core.keys); nothing here knows. Rights a caller's role needs: s3:GetObject,
s3:PutObject, s3:PutObjectTagging (a tagging header asks for it) and s3:ListBucket, without which S3 answers
"access denied" instead of "no such key".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from deployer.aws.refusals import calling
from deployer.core.store import AlreadyThere, Changed, Stored

ATTEMPTS = 3
"""S3 answers 409 to a conditional write that meets another one in flight, and asks to try again."""

_CONTENT_TYPES = {
    "json": "application/json",
    "yml": "application/yaml",
    "yaml": "application/yaml",
}


class Bucket:
    """A core.store.Store over one bucket; `client` is boto3's client for S3."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, key: str) -> Stored | None:
        """The object under `key`, or None."""
        with calling(f"s3:GetObject on {self._place(key)}"):
            try:
                answer = self._client.get_object(Bucket=self._name, Key=key)
            except self._client.exceptions.NoSuchKey:
                return None
            return Stored(answer["Body"].read(), answer["ETag"])

    def create(self, key: str, body: bytes, tags: Mapping[str, str]) -> str:
        """Writes a new object and returns its etag; raises AlreadyThere."""
        condition: dict[str, str] = {"IfNoneMatch": "*"}
        if filled := {name: value for name, value in tags.items() if value}:
            condition["Tagging"] = urlencode(filled)
        etag = self._put(key, body, condition)
        if etag is None:
            raise AlreadyThere(self._place(key))
        return etag

    def replace(self, key: str, body: bytes, etag: str) -> str:
        """Writes over the object that was read with `etag` and returns the new one; raises Changed."""
        written = self._put(key, body, {"IfMatch": etag})
        if written is None:
            raise Changed(self._place(key))
        return written

    def list(self, prefix: str) -> tuple[str, ...]:
        """The keys that begin with `prefix`, in the order of their bytes."""
        with calling(f"s3:ListBucket on {self._place(prefix)}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix)
            return tuple(each["Key"] for page in pages for each in page.get("Contents", ()))

    def _put(self, key: str, body: bytes, condition: Mapping[str, str]) -> str | None:
        """The new etag, or None when the condition does not hold."""
        for _ in range(ATTEMPTS):
            status, etag = self._put_once(key, body, condition)
            if status != 409:
                break
        return etag

    def _put_once(self, key: str, body: bytes, condition: Mapping[str, str]) -> tuple[int, str | None]:
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        with calling(f"s3:PutObject on {self._place(key)}"):
            try:
                answer = self._client.put_object(
                    Bucket=self._name,
                    Key=key,
                    Body=body,
                    ChecksumSHA256=checksum,
                    ContentType=_CONTENT_TYPES.get(key.rpartition(".")[2], "application/octet-stream"),
                    **condition,
                )
            except self._client.exceptions.ClientError as error:
                if (status := _conflict(error, "IfMatch" in condition)) is None:
                    raise
                return status, None
            return 200, str(answer["ETag"])

    def _place(self, key: str) -> str:
        return f"s3://{self._name}/{key}"


def _conflict(error: Any, replacing: bool) -> int | None:
    """The HTTP status with which S3 says that the condition of a write does not hold; None for other refusals.

    412 PreconditionFailed, 409 ConditionalRequestConflict, and for If-Match on a key that is gone 404 NoSuchKey
    (a missing bucket is 404 as well, and something else).
    """
    code = error.response.get("Error", {}).get("Code", "")
    known = {"PreconditionFailed": 412, "ConditionalRequestConflict": 409}
    if replacing:
        known["NoSuchKey"] = 404
    return known.get(code)
