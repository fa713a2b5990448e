"""The folders of an application's releases, as the bucket lists them."""

from __future__ import annotations

from deployer.aws.bucket_contents import BucketContents, Listed
from deployer.core import keys
from deployer.core.retention import Folder


def folders_of(contents: BucketContents, app: str) -> list[Folder]:
    """One for each version, finished or not."""
    prefix = keys.releases(app)
    found: dict[str, list[Listed]] = {}
    for each in contents.below(prefix):
        version, slash, _ = each.key[len(prefix) :].partition("/")
        if slash:
            found.setdefault(version, []).append(each)
    return [_folder(app, version, objects) for version, objects in found.items()]


def _folder(app: str, version: str, objects: list[Listed]) -> Folder:
    """With its manifest first: whoever removes the folder begins with that."""
    manifest = keys.release(app, version)
    paths = sorted((each.key for each in objects), key=lambda key: (key != manifest, key))
    return Folder(
        version=version,
        keys=tuple(paths),
        size=sum(each.size for each in objects),
        written_at=max(each.written_at for each in objects),
        is_release=paths[0] == manifest,
    )
