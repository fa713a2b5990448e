"""The bucket: there, where the group is, and set up so that a release stays what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from deployer.aws.bucket_settings import PUBLIC_ACCESS, BucketSettings
from deployer.core import keys
from deployer.doctor.finding import Finding, ok, problem
from deployer.doctor.situation import Situation
from deployer.infra.roles import storage_policy


def there(situation: Situation) -> Finding:
    """Lists what a publish and a rollout list."""
    inputs, session = situation.inputs, situation.session
    found = _settings(situation).region(keys.releases(inputs.app))
    if found and found != session.region:
        return problem(
            f"it is in {found}, and aws-region is {session.region}",
            f"give the bucket of {session.region}, or set aws-region to {found} if the groups are there too",
        )
    return ok(f"is there and can be listed below {keys.releases(inputs.app)}" + (f", in {found}" if found else ""))


def versioning(situation: Situation) -> Finding:
    """What is replaced by mistake can be had back."""
    if _settings(situation).keeps_versions():
        return ok("is on")
    return problem("is off: what is replaced is lost", _command(situation, "put-bucket-versioning", _VERSIONING))


def public_access(situation: Situation) -> Finding:
    """All four ways are shut."""
    if not (open_ways := _settings(situation).open_ways()):
        return ok("is blocked")
    return problem(
        f"is not blocked ({', '.join(open_ways)})", _command(situation, "put-public-access-block", _PUBLIC_ACCESS)
    )


def encryption(situation: Situation) -> Finding:
    """At rest, by default."""
    if algorithm := _settings(situation).encryption():
        return ok(algorithm)
    return problem("there is none by default", _command(situation, "put-bucket-encryption", _ENCRYPTION))


def tls_only(situation: Situation) -> Finding:
    """Its policy denies plain HTTP."""
    place = f"{situation.inputs.bucket}/{keys.release(situation.inputs.app, 'v')}"
    if any(_denies(each, "s3:GetObject", "aws:SecureTransport", place) for each in _statements(situation)):
        return ok("its policy denies plain HTTP")
    return problem("its policy does not deny plain HTTP", _add(situation, "TlsOnly"))


def write_once(situation: Situation) -> Finding:
    """Its policy denies, to everybody, writing a release without the header by which S3 refuses a key that exists."""
    place = f"{situation.inputs.bucket}/{keys.release(situation.inputs.app, 'v')}"
    if any(_denies(each, "s3:PutObject", "s3:if-none-match", place) for each in _statements(situation)):
        return ok("its policy refuses to write over a release")
    return problem("its policy lets a release be written over", _add(situation, "ReleasesAreWriteOnce"))


_VERSIONING = "--versioning-configuration Status=Enabled"
_PUBLIC_ACCESS = "--public-access-block-configuration " + ",".join(f"{each}=true" for each in PUBLIC_ACCESS)
_ENCRYPTION = (
    "--server-side-encryption-configuration"
    ' \'{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}\''
)


def _settings(situation: Situation) -> BucketSettings:
    return BucketSettings(situation.client("s3"), situation.inputs.bucket)


def _statements(situation: Situation) -> tuple[Mapping[str, Any], ...]:
    return _settings(situation).statements()


def _command(situation: Situation, verb: str, options: str) -> str:
    return f"aws s3api {verb} --bucket {situation.inputs.bucket} {options}"


def _denies(statement: Mapping[str, Any], action: str, condition: str, place: str) -> bool:
    """Whether a statement denies everybody an action on `BUCKET/KEY`, on a condition that names this key."""
    named = {key.lower() for operands in statement.get("Condition", {}).values() for key in operands}
    places = [each.partition(":::")[2] for each in _list(statement.get("Resource"))]
    return (
        statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        and condition.lower() in named
        and any(fnmatchcase(action.lower(), each.lower()) for each in _list(statement.get("Action")))
        and any(fnmatchcase(place, each) for each in places)
    )


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _add(situation: Situation, sid: str) -> str:
    """The statement as infra/storage.yml has it."""
    inputs, session = situation.inputs, situation.session
    policy = storage_policy({"Bucket": inputs.bucket, "Document": inputs.document}, session.account_id, session.region)
    statement = next(each for each in policy["Statement"] if each.get("Sid") == sid)
    return (
        "update the stack of infra/storage.yml, or add this statement to the bucket's policy"
        f" (aws s3api put-bucket-policy --bucket {inputs.bucket} --policy file://policy.json):\n"
        f"{json.dumps(statement, indent=2)}"
    )
