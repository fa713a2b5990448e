"""What `decide` may ask for. Values only: the loop carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Result(Enum):
    """How a rollout ends. INTERRUPTED is the operator's doing, never a decision."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    COULD_NOT_RESTORE = "could-not-restore"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Prefetch:
    """Fetch the target's files and images on these instances; touches nothing that serves."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class Drain:
    """Take these instances out of every target group of the group."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class Activate:
    """Tell these instances to run the target."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class Ask:
    """Ask these instances what they run: whether they carried out what they were told is in doubt."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class Register:
    """Put these instances back into every target group of the group."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class Retry:
    """These lost instances get their second and last attempt."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class Promote:
    """Point desired.json at the target: from now on newborns boot it."""


@dataclass(frozen=True)
class TurnBack:
    """Give the target up and put the previous release back, under a new generation."""

    reason: str


@dataclass(frozen=True)
class Finish:
    """The rollout is over."""

    result: Result
    reason: str = ""


Action = Prefetch | Drain | Activate | Ask | Register | Retry | Promote | TurnBack | Finish
