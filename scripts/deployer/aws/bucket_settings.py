"""How a bucket is set up, read only: where it is, and what S3 does for whoever forgets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from deployer.aws.refusals import calling


class BucketSettings:
    """One bucket; `client` is boto3's for S3. Each call is named after the permission it takes."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name

    def region(self, prefix: str) -> str:
        """Where the bucket is, by the answer to a list of `prefix` (s3:ListBucket); "" where it says nothing."""
        with calling(f"s3:ListBucket on s3://{self._name}"):
            answer = self._client.list_objects_v2(Bucket=self._name, Prefix=prefix, MaxKeys=1)
        return str(answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", ""))

    def keeps_versions(self) -> bool:
        """Whether what is replaced is kept."""
        answer = self._ask("s3:GetBucketVersioning", self._client.get_bucket_versioning)
        return bool(answer.get("Status") == "Enabled")

    def open_ways(self) -> tuple[str, ...]:
        """The settings of its public access block that are off; all of them where it has none."""
        answer = self._ask(
            "s3:GetBucketPublicAccessBlock",
            self._client.get_public_access_block,
            nothing="NoSuchPublicAccessBlockConfiguration",
        )
        block = answer.get("PublicAccessBlockConfiguration", {})
        return tuple(each for each in PUBLIC_ACCESS if not block.get(each))

    def encryption(self) -> str:
        """AES256, aws:kms or the like; "" for none."""
        answer = self._ask(
            "s3:GetEncryptionConfiguration",
            self._client.get_bucket_encryption,
            nothing="ServerSideEncryptionConfigurationNotFoundError",
        )
        rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", [{}])
        return str(rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", ""))

    def statements(self) -> tuple[Mapping[str, Any], ...]:
        """The statements of its policy; none where it has none."""
        answer = self._ask("s3:GetBucketPolicy", self._client.get_bucket_policy, nothing="NoSuchBucketPolicy")
        found = json.loads(answer.get("Policy") or "{}").get("Statement", [])
        return tuple([found] if isinstance(found, dict) else found)

    def _ask(self, permission: str, call: Callable[..., Mapping[str, Any]], nothing: str = "") -> Mapping[str, Any]:
        """The answer to a call; empty where S3 says by the error `nothing` that there is no such setting."""
        with calling(f"{permission} on s3://{self._name}"):
            try:
                return call(Bucket=self._name)
            except self._client.exceptions.ClientError as error:
                if nothing and error.response.get("Error", {}).get("Code") == nothing:
                    return {}
                raise


PUBLIC_ACCESS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
