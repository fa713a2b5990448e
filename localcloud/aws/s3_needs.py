"""S3: which permissions a request needs, by its method, path, query and headers.

Source: the service authorization reference and the API reference of S3. Buckets are in the path, never in the host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import unescape

from localcloud.aws.calls import body_of
from localcloud.aws.needs import Need, UnknownOperation

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_ARN = "arn:aws:s3:::"
_OF_BUCKET = {
    ("GET", "location"): "GetBucketLocation",
    ("GET", "versioning"): "GetBucketVersioning",
    ("PUT", "versioning"): "PutBucketVersioning",
    ("GET", "policy"): "GetBucketPolicy",
    ("PUT", "policy"): "PutBucketPolicy",
    ("DELETE", "policy"): "DeleteBucketPolicy",
    ("GET", "policyStatus"): "GetBucketPolicyStatus",
    ("GET", "encryption"): "GetEncryptionConfiguration",
    ("PUT", "encryption"): "PutEncryptionConfiguration",
    ("GET", "publicAccessBlock"): "GetBucketPublicAccessBlock",
    ("PUT", "publicAccessBlock"): "PutBucketPublicAccessBlock",
    ("GET", "lifecycle"): "GetLifecycleConfiguration",
    ("PUT", "lifecycle"): "PutLifecycleConfiguration",
    ("GET", "ownershipControls"): "GetBucketOwnershipControls",
    ("GET", "tagging"): "GetBucketTagging",
    ("GET", "uploads"): "ListBucketMultipartUploads",
    ("GET", "object-lock"): "GetBucketObjectLockConfiguration",
}
_OF_OBJECT = {
    ("GET", "tagging"): ("GetObjectTagging", "GetObjectVersionTagging"),
    ("PUT", "tagging"): ("PutObjectTagging", "PutObjectVersionTagging"),
    ("DELETE", "tagging"): ("DeleteObjectTagging", "DeleteObjectVersionTagging"),
    ("GET", "acl"): ("GetObjectAcl", "GetObjectVersionAcl"),
    ("PUT", "acl"): ("PutObjectAcl", "PutObjectVersionAcl"),
    ("GET", "attributes"): ("GetObjectAttributes", "GetObjectVersionAttributes"),
    ("GET", "uploadId"): ("ListMultipartUploadParts", "ListMultipartUploadParts"),
    ("DELETE", "uploadId"): ("AbortMultipartUpload", "AbortMultipartUpload"),
    ("GET", ""): ("GetObject", "GetObjectVersion"),
    ("HEAD", ""): ("GetObject", "GetObjectVersion"),
    ("DELETE", ""): ("DeleteObject", "DeleteObjectVersion"),
}
_PLAIN = frozenset(
    {
        *("x-id", "versionId", "partNumber", "encoding-type", "fetch-owner", "list-type", "prefix", "delimiter"),
        *("max-keys", "marker", "start-after", "continuation-token", "key-marker", "version-id-marker"),
    }
)
"""What a query may hold without asking for anything but the object or the listing itself."""


class S3Request:
    """A request to S3, taken apart."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method = str(environ["REQUEST_METHOD"])
        path = str(environ.get("PATH_INFO", "")).encode("latin-1").decode("utf-8", "replace")
        self.bucket, _, self.key = path.removeprefix("/").partition("/")
        self.query = dict(parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True))
        self.subresource = next((each for each in self.query if each not in _PLAIN), "")

    def needs(self) -> list[Need]:
        """Raises UnknownOperation."""
        if not self.bucket:
            return [Need("s3:ListAllMyBuckets")]
        return self._of_object() if self.key else self._of_bucket()

    def listing(self) -> Need:
        """What decides whether a key that is not there is `no such key` or `access denied`.

        S3 takes the key asked for as the prefix: seen on S3 by kopia, which lists under a prefix only (kopia #3072).
        """
        return Need("s3:ListBucket", self._arn(), {"s3:prefix": self.key})

    def _of_bucket(self) -> list[Need]:
        if self.method == "POST" and self.subresource == "delete":
            return self._each_deleted()
        if self.subresource == "versions":
            return [Need("s3:ListBucketVersions", self._arn(), self._listed())]
        if self.subresource:
            return [self._named(_OF_BUCKET.get((self.method, self.subresource)), self._arn())]
        action = {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
        keys = self._listed() if self.method == "GET" else {}
        return [self._named(action.get(self.method), self._arn(), keys)]

    def _of_object(self) -> list[Need]:
        if self.method == "PUT" and self.subresource in ("", "uploadId"):
            return self._written(creates=not self.subresource)
        if self.method == "POST" and self.subresource in ("uploads", "uploadId"):
            return self._written(creates=self.subresource == "uploadId")
        plain, of_version = _OF_OBJECT.get((self.method, self.subresource), (None, None))
        version = self.query.get("versionId", "")
        keys = {"s3:versionid": version} if version else {}
        return [self._named(of_version if version else plain, self._arn(self.key), keys)]

    def _written(self, creates: bool) -> list[Need]:
        """PutObject, and what its headers ask for besides. `creates` is false for the parts of a multipart upload."""
        arn, keys = self._arn(self.key), self._conditions(creates)
        needs = [Need("s3:PutObject", arn, keys)]
        if self._header("x-amz-tagging"):
            tags = dict(parse_qsl(self._header("x-amz-tagging")))
            tagged = {f"s3:requestobjecttag/{name}".lower(): value for name, value in tags.items()}
            needs.append(Need("s3:PutObjectTagging", arn, {**keys, **tagged}))
        if self._header("x-amz-acl"):
            needs.append(Need("s3:PutObjectAcl", arn, {**keys, "s3:x-amz-acl": self._header("x-amz-acl")}))
        if source := self._header("x-amz-copy-source"):
            needs.append(Need("s3:GetObject", f"{_ARN}{unquote(source).lstrip('/').partition('?')[0]}"))
        return needs

    def _conditions(self, creates: bool) -> dict[str, Any]:
        keys: dict[str, Any] = {"s3:objectcreationoperation": "true" if creates else "false"}
        for name in ("If-None-Match", "If-Match"):
            if value := self._header(name):
                keys[f"s3:{name.lower()}"] = value
        for name in ("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"):
            if value := self._header(name):
                keys[f"s3:{name}"] = value
        return keys

    def _listed(self) -> dict[str, Any]:
        """A listing without a prefix has no such key (reference of s3:prefix)."""
        given = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}
        return {key: self.query[name] for name, key in given.items() if name in self.query}

    def _each_deleted(self) -> list[Need]:
        """AWS refuses each object by itself and deletes the rest; here one that is refused refuses all."""
        body = body_of(self.environ).decode("utf-8", "replace")
        needs = []
        for entry in re.findall(r"<Object>(.*?)</Object>", body, re.DOTALL):
            key = re.search(r"<Key>(.*?)</Key>", entry, re.DOTALL)
            action = "s3:DeleteObjectVersion" if "<VersionId>" in entry else "s3:DeleteObject"
            needs.append(Need(action, self._arn(unescape(key[1]) if key else "")))
        return needs or [Need("s3:DeleteObject", self._arn("*"))]

    def _named(self, action: str | None, arn: str, keys: dict[str, Any] | None = None) -> Need:
        if action is None:
            raise UnknownOperation(f"{self.method} ?{self.subresource} of S3")
        return Need(f"s3:{action}", arn, keys or {})

    def _arn(self, key: str = "") -> str:
        return f"{_ARN}{self.bucket}" + (f"/{key}" if key else "")

    def _header(self, name: str) -> str:
        return str(self.environ.get("HTTP_" + name.upper().replace("-", "_"), ""))


def bucket_in(arn: str) -> str:
    """The bucket an ARN speaks of; empty if it is none of S3's."""
    return arn.removeprefix(_ARN).partition("/")[0] if arn.startswith(_ARN) else ""
