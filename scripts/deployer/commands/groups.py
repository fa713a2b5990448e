"""What commands about groups share: the way to a group's AWS, and to the releases in the bucket."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Sequence

from deployer.aws import documents
from deployer.aws.agents import Agents
from deployer.aws.alarms import Alarms
from deployer.aws.auto_scaling import AutoScalingGroup, describe
from deployer.aws.bucket import Bucket
from deployer.aws.reach import Reach
from deployer.aws.run_command import RunCommand
from deployer.aws.session import Session, open_session
from deployer.aws.target_groups import TargetGroups
from deployer.core import keys
from deployer.core.errors import BadInput, DeployError
from deployer.core.release import Desired, Release, ReleaseRef, sha256_of
from deployer.core.version import check_version
from deployer.github.console import Console
from deployer.github.run import RunContext
from deployer.inputs import FleetPlace, Policy, StatusInputs

Kind = Callable[[str, str, str, Sequence[str]], Reach]
"""Application, bucket, document and groups to what is reached of them."""


class Groups:
    """The groups of one application as one session reaches them."""

    def __init__(self, session: Session, place: FleetPlace, document: str) -> None:
        self._session, self._place, self._document = session, place, document
        self.store = Bucket(session.client("s3"), place.bucket)
        self._agents: dict[str, Agents] = {}

    def group(self, name: str, alarms: tuple[str, ...] = ()) -> AutoScalingGroup:
        """The group `name`; raises BadInput where there is none."""
        autoscaling = self._session.client("autoscaling")
        described = describe(autoscaling, name)
        return AutoScalingGroup(
            autoscaling,
            name,
            TargetGroups(self._session.client("elbv2"), described.target_group_arns),
            self._agents_of(name),
            Alarms(self._session.client("cloudwatch"), alarms),
        )

    def commands(self, name: str) -> RunCommand:
        """Run Command for the instances of the group `name`."""
        place, session = self._place, self._session
        return RunCommand(
            session.client("ssm"),
            self._document,
            place.app,
            place.bucket,
            name,
            sender=session.impatient_client("ssm"),
            unreached=self._agents_of(name).forget,
        )

    def document_takes(self, parameter: str) -> bool:
        """Whether the SSM document knows this parameter; one of an older version may not."""
        return parameter in documents.describe(self._session.client("ssm"), self._document).parameters

    def _agents_of(self, name: str) -> Agents:
        """What is known of a group's agents, whether by asking or by orders that did not arrive."""
        return self._agents.setdefault(name, Agents(self._session.client("ssm")))

    def desired(self, name: str) -> Desired | None:
        """What the group `name` should run, if anything was ever promoted there."""
        key = keys.desired(self._place.app, name)
        stored = self.store.get(key)
        return Desired.from_json(stored.body, key) if stored else None

    def release(self, version: str) -> tuple[Release, ReleaseRef]:
        """A published release; raises BadInput where it does not exist."""
        check_version(version)
        key = keys.release(self._place.app, version)
        stored = self.store.get(key)
        if stored is None:
            raise BadInput(
                f"there is no release {version} of {self._place.app} in s3://{self._place.bucket}",
                self._known_releases(),
            )
        return Release.from_json(stored.body, key), ReleaseRef(version, sha256_of(stored.body))

    def unchanged_release(self, version: str, expected: str, names: Sequence[str]) -> tuple[Release, ReleaseRef]:
        """A published release whose manifest is what was `expected` (sha256, "" for nobody knows) and what groups know.

        Raises DeployError for one that was exchanged since it was published, or since a group began to desire it.
        """
        release, ref = self.release(version)
        check_unchanged(ref, expected, "was published")
        for name in names:
            self.group(name)  # one that does not exist is told as such, not as a key nobody may read
            desired = self.desired(name)
            for known in (desired.release, desired.previous) if desired else ():
                if known and known.version == version:
                    check_unchanged(ref, known.manifest_sha256, f"was rolled out to {name}")
        return release, ref

    def _known_releases(self) -> str:
        prefix = keys.releases(self._place.app)
        manifests = [key for key in self.store.list(prefix) if key.endswith(f"/{keys.MANIFEST}")]
        versions = [key[len(prefix) :].partition("/")[0] for key in manifests]
        if not versions:
            return "publish one first: `scripts/run publish`, or check `app` and `bucket`"
        return f"published are: {', '.join(versions[-10:])}"


def check_unchanged(found: ReleaseRef, known: str, what: str) -> None:
    """Raises DeployError where the manifest in the bucket is not the one of which `known` is the sha256."""
    if known not in ("", found.manifest_sha256):
        raise DeployError(
            f"the manifest of {found.version} in the bucket is not the one that {what}: "
            f"{known} {what}, {found.manifest_sha256} is there",
            "nothing was changed; find out who exchanged it (the bucket keeps versions), and publish another version",
        )


def open_groups(inputs: StatusInputs | Policy, console: Console, kind: Kind) -> Groups:
    """The groups an operator named, through a session that is held to what this `kind` of command does with them."""
    reach = kind(inputs.app, inputs.bucket, inputs.document, inputs.auto_scaling_group)
    return Groups(open_session(inputs, console, reach=reach), inputs, inputs.document)


def check_place(place: FleetPlace) -> None:
    """Raises BadInput for names that cannot be part of a key or of a command."""
    keys.check_app(place.app)
    keys.check_bucket(place.bucket)
    for name in place.auto_scaling_group:
        keys.check_group(name)
    if len(set(place.auto_scaling_group)) != len(place.auto_scaling_group):
        raise BadInput("auto-scaling-group names a group twice", "name each group once, in the order to roll them")


def owner_of(run: RunContext) -> str:
    """Who to name in leases and records: the workflow run, else the person at the terminal."""
    if run.in_actions:
        return f"{run.repository} run {run.tag} ({run.actor})"
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in a container
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"
