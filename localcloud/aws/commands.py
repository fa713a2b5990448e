"""What SSM remembers of a command: its invocations, one per instance, and how the whole stands.

Two words per state, as AWS: `details` is exact, the coarse status is derived from it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from localcloud.aws.documents import Step
from localcloud.runtime import Run

COARSE = {
    "Pending": "Pending",
    "InProgress": "InProgress",
    "Cancelling": "Cancelling",
    "Success": "Success",
    "Failed": "Failed",
    "ExecutionTimedOut": "TimedOut",
    "DeliveryTimedOut": "TimedOut",
    "Undeliverable": "Failed",
    "Cancelled": "Cancelled",
    "Terminated": "Cancelled",
    "Incomplete": "Failed",
    "NoInstancesInTag": "Failed",
}
"""The coarse status of each StatusDetails value."""

UNDER_WAY = ("Pending", "InProgress", "Cancelling")
ERRORS = ("Failed", "ExecutionTimedOut")
"""What counts towards MaxErrors; what never reached its instance does not."""

STDOUT_LIMIT, STDERR_LIMIT, DETAILS_LIMIT = 24_000, 8_000, 2_500
"""Characters kept inline by GetCommandInvocation, and by ListCommandInvocations with Details."""


def now() -> datetime:
    """The time as AWS records it: UTC, milliseconds."""
    moment = datetime.now(timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass
class Invocation:
    """One command on one instance."""

    command: Command
    instance_id: str
    instance_name: str
    details: str = "Pending"
    dispatched: bool = False
    run: Run | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    response_code: int = -1
    stdout: str = ""
    stderr: str = ""
    settled: threading.Event = field(default_factory=threading.Event)

    @property
    def status(self) -> str:
        """The coarse status."""
        return COARSE[self.details]

    @property
    def over(self) -> bool:
        """Whether the state is terminal."""
        return self.details not in UNDER_WAY

    def settle(self, details: str, response_code: int = -1, stdout: str = "", stderr: str = "") -> None:
        """Ends the invocation; a second end changes nothing."""
        if self.over:
            return
        self.details, self.response_code = details, response_code
        self.stdout, self.stderr = stdout, stderr
        self.ended_at = now()
        self.settled.set()


@dataclass
class Command:
    """One SendCommand."""

    id: str
    document: str
    document_version: str
    step: Step
    parameters: Mapping[str, Sequence[str]]
    comment: str
    instance_ids: Sequence[str]
    targets: Sequence[Mapping[str, object]]
    delivery_timeout: int
    """Seconds in which a command must have started."""
    max_concurrency: str
    max_errors: str
    requested_at: datetime = field(default_factory=now)
    invocations: list[Invocation] = field(default_factory=list)

    @property
    def expires_at(self) -> datetime:
        """When AWS gives up on an answer: delivery and execution timeouts added."""
        return self.requested_at + timedelta(seconds=self.delivery_timeout + self.step.timeout)

    @property
    def error_count(self) -> int:
        """Invocations that count towards MaxErrors."""
        return sum(each.details in ERRORS for each in self.invocations)

    @property
    def details(self) -> str:
        """StatusDetails of the whole command: a Success may hide invocations that were never delivered."""
        ends = [each.details for each in self.invocations]
        if not ends:
            return "NoInstancesInTag"
        if any(each in UNDER_WAY for each in ends):
            return _under_way(ends)
        if "Cancelled" in ends:
            return "Cancelled"
        if self.error_count > share(self.max_errors, len(ends)):
            return "ExecutionTimedOut" if "Failed" not in ends else "Failed"
        if self.error_count:
            return "Incomplete"
        unreached = {each for each in ends if each != "Success"}
        return "Success" if "Success" in ends else sorted(unreached)[0]

    @property
    def status(self) -> str:
        """The coarse status of the whole command."""
        return COARSE[self.details]

    def startable(self) -> list[Invocation]:
        """Invocations that may be handed to their agents now, MaxConcurrency and MaxErrors considered."""
        if self.error_count > share(self.max_errors, len(self.invocations)):
            return []
        waiting = [each for each in self.invocations if not each.dispatched and not each.over]
        busy = sum(each.dispatched and not each.over for each in self.invocations)
        room = max(1, share(self.max_concurrency, len(self.invocations))) - busy
        return waiting[: max(0, room)]


def _under_way(ends: Sequence[str]) -> str:
    if "Cancelling" in ends:
        return "Cancelling"
    return "Pending" if all(each == "Pending" for each in ends) else "InProgress"


def share(text: str, of: int) -> int:
    """`10` or `10%` of a number of targets, percentages rounded up."""
    return -(-of * int(text[:-1]) // 100) if text.endswith("%") else int(text)


def clipped(text: str, limit: int, note: str = "\n---Output truncated---") -> str:
    """The head of a text as the agent keeps it: the end is what is lost."""
    return text if len(text) <= limit else text[: limit - len(note)] + note


def merged_output(stdout: str, stderr: str) -> str:
    """stdout and stderr in one field of at most 2,500 characters, as ListCommandInvocations shows them."""
    title = "\n----------ERROR-------\n" if stderr else ""
    room = DETAILS_LIMIT - len(title)
    if len(stdout) + len(stderr) <= room:
        return stdout + title + stderr
    for_stderr = min(len(stderr), max(room // 2, room - len(stdout)))
    shown = clipped(stdout, room - for_stderr)
    return shown + title + clipped(stderr, for_stderr, "\n---Error truncated----")
