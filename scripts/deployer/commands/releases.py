"""`releases`: what is published, newest first, and who needs which release."""

from __future__ import annotations

import time
from typing import Any

from deployer.aws import reach
from deployer.aws.bucket import Bucket
from deployer.aws.bucket_contents import BucketContents
from deployer.aws.session import open_session
from deployer.commands.groups import check_place
from deployer.commands.release_folders import folders_of
from deployer.core import keys
from deployer.core.errors import DeployError
from deployer.core.release import Release
from deployer.core.retention import Folder, newest_first
from deployer.core.store import Store
from deployer.github.console import Console
from deployer.inputs import FleetPlace
from deployer.outcome import Outcome
from deployer.rollout.lease import utc
from deployer.rollout.uses import uses_of

SHOWN = 20
"""The newest; those that a group needs are shown however old they are."""


def run(inputs: FleetPlace, console: Console) -> Outcome:
    """Says the newest releases and those that are needed, each on two lines or three, and outputs the same."""
    check_place(inputs)
    session = open_session(inputs, console, reach=reach.reading(inputs.app, inputs.bucket))
    client = session.client("s3")
    store = Bucket(client, inputs.bucket)
    uses = uses_of(store, inputs.app, inputs.auto_scaling_group, time.time())
    folders = newest_first(folders_of(BucketContents(client, inputs.bucket), inputs.app))
    finished = [each for each in folders if each.is_release]
    shown = [each for at, each in enumerate(finished) if at < SHOWN or each.version in uses]
    rows = [_row(store, inputs.app, each, uses.get(each.version, [])) for each in shown]
    console.say(f"{inputs.app}: {len(finished)} releases in s3://{inputs.bucket}")
    for row in rows:
        console.say(f"  {row['published_at']}  {row['version']}  {', '.join(row['uses'])}".rstrip())
        console.say(f"    {row['size']:,} bytes  {row['git_sha']} {row['run_url']}".rstrip())
        if row["damaged"]:
            console.say(f"    damaged: {row['damaged']}")
    if unfinished := [each.version for each in folders if not each.is_release]:
        console.say(f"never finished: {', '.join(unfinished)}")
    return Outcome(outputs={"releases": rows})


def _row(store: Store, app: str, folder: Folder, uses: list[str]) -> dict[str, Any]:
    """A release as it is; one that this version of the action cannot read is shown with what is wrong with it."""
    key = keys.release(app, folder.version)
    stored = store.get(key)
    release, damaged = None, ""
    try:
        release = Release.from_json(stored.body, key) if stored else None
    except DeployError as error:
        damaged = error.what
    return {
        "version": folder.version,
        "published_at": utc(folder.written_at),
        "size": folder.size,
        "git_sha": release.git.sha if release else "",
        "run_url": release.run.url if release else "",
        "uses": uses,
        "damaged": damaged,
    }
