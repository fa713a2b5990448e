"""`prune-releases`: remove what is old and needed by no group.

How that is known, and what happens where a rollout begins meanwhile: docs/decisions/0021-retention.md.
"""

from __future__ import annotations

import time

from deployer.aws import reach
from deployer.aws.bucket import Bucket
from deployer.aws.bucket_contents import BucketContents
from deployer.aws.session import open_session
from deployer.commands.interruptible import interruptible
from deployer.commands.release_folders import folders_of
from deployer.core import keys
from deployer.core.errors import LeaseHeld
from deployer.core.retention import DAY, Folder, Rules, newest_first, why_kept
from deployer.core.store import Store
from deployer.github.console import Console
from deployer.inputs import PruneReleasesInputs
from deployer.outcome import Outcome
from deployer.rollout.lease import utc
from deployer.rollout.uses import Uses, holder_of, uses_of


def run(inputs: PruneReleasesInputs, console: Console) -> Outcome:
    """Says of each release why it stays or that it goes; outputs what was removed, or would be."""
    keys.check_app(inputs.app)
    keys.check_bucket(inputs.bucket)
    rules = Rules(inputs.keep, inputs.older_than_days * DAY)
    with interruptible("a release without its manifest does not exist any more; run again to remove the rest"):
        client = open_session(inputs, console, reach=reach.tidying(inputs.app, inputs.bucket)).client("s3")
        pruning = _Pruning(inputs.app, Bucket(client, inputs.bucket), BucketContents(client, inputs.bucket))
        doomed = pruning.plan(rules, console)
        if not inputs.dry_run:
            doomed = [each for each in doomed if pruning.remove(each, console)]
    removed = sum(each.size for each in doomed)
    verb = "would be removed, with dry-run: false" if inputs.dry_run else "removed"
    console.say(f"{len(doomed)} releases of {removed:,} bytes {verb}")
    return Outcome(outputs={"removed": [each.version for each in doomed], "dry-run": inputs.dry_run})


class _Pruning:
    def __init__(self, app: str, store: Store, contents: BucketContents) -> None:
        self._app, self._store, self._contents = app, store, contents

    def plan(self, rules: Rules, console: Console) -> list[Folder]:
        """What may be removed, oldest first."""
        uses, now = self._uses(), time.time()
        folders = newest_first(folders_of(self._contents, self._app))
        doomed = []
        for each in folders:
            why = why_kept(each, folders, uses.get(each.version, []), rules, now)
            console.say(f"{utc(each.written_at)}  {each.version}  {f'stays: {why}' if why else 'goes'}")
            if not why:
                doomed.append(each)
        return doomed[::-1]

    def remove(self, folder: Folder, console: Console) -> bool:
        """The manifest first; False where a group has come to need the release meanwhile. Raises LeaseHeld."""
        self._check_nobody_rolls_out()
        if needed := self._uses().get(folder.version):
            console.say(f"{folder.version} stays: by now it is {', '.join(needed)}")
            return False
        for key in folder.keys:
            self._contents.remove(key)
        console.say(f"{folder.version} is removed: {len(folder.keys)} objects")
        return True

    def _uses(self) -> Uses:
        return uses_of(self._store, self._app, self._groups(), time.time())

    def _groups(self) -> list[str]:
        """All of the application, whoever deploys to them."""
        prefix = keys.groups(self._app)
        return sorted({key[len(prefix) :].partition("/")[0] for key in self._store.list(prefix)})

    def _check_nobody_rolls_out(self) -> None:
        for group in self._groups():
            if holder := holder_of(self._store, self._app, group, time.time()):
                raise LeaseHeld(
                    f"{group} is being rolled out by {holder.owner}, and what that needs may not be written down yet",
                    "run again when it has ended; what was removed until now is not needed by anybody",
                )
