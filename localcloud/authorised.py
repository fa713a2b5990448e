"""The record of what was asked of the account and by whom: each kind of request once, allowed or denied.

One JSON object a line, in the cloud's state directory and, where DIRECTORY names one, in a file of its own there, so
that a run of many clouds can be looked at as a whole.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.state_directory import AUTHORISED

if TYPE_CHECKING:
    from ministack.core.iam_evaluator import EvalResult

    from localcloud.aws.needs import Need
    from localcloud.aws.principals import Principal

DIRECTORY = "LOCALCLOUD_AUTHORISED"
"""The environment variable that names a directory to write to as well."""


@dataclass(frozen=True)
class Row:
    """One kind of request."""

    principal: str
    """The name of the role or the user."""
    action: str
    resource: str
    """Of an allowed kind, the first resource it was allowed on."""
    statement: str
    """`policy/Sid` of the statement that decided; empty where none allowed it."""
    allowed: bool
    expected: bool
    """Of a denial: whether whoever asked wanted to be denied."""
    test: str
    """pytest's name of the test that was running when it was asked, or that started the cloud."""


class Authorised:
    """The record of one cloud."""

    def __init__(self, state_directory: Path) -> None:
        self._files = [state_directory / AUTHORISED]
        if directory := os.environ.get(DIRECTORY):
            self._files.append(Path(directory) / f"{uuid.uuid4()}.jsonl")
        self._files[0].unlink(missing_ok=True)  # an earlier cloud's
        self._lock = threading.Lock()
        self._seen: set[tuple[str, ...]] = set()
        self._rows: list[Row] = []
        self._expecting = 0

    @property
    def rows(self) -> list[Row]:
        """What there was so far."""
        with self._lock:
            return list(self._rows)

    @property
    def denied(self) -> list[Row]:
        """What was denied so far, wanted or not."""
        return [each for each in self.rows if not each.allowed]

    @contextmanager
    def expecting_denials(self) -> Iterator[None]:
        """What is denied inside was meant to be."""
        self._expecting += 1
        try:
            yield
        finally:
            self._expecting -= 1

    def note(self, principal: Principal, need: Need, result: EvalResult) -> None:
        """Writes down a decision, unless the same is there already."""
        allowed = result.decision == "Allow"
        row = Row(
            principal.name,
            need.action,
            need.resource,
            result.matched_sid,
            allowed,
            expected=not allowed and self._expecting > 0,
            test=os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0],
        )
        key = (row.principal, row.action, row.statement, row.test, "" if allowed else f"{row.resource} {row.expected}")
        with self._lock:
            if key in self._seen:
                return
            self._seen.add(key)
            self._rows.append(row)
            for each in self._files:
                with each.open("a") as file:
                    file.write(json.dumps(asdict(row)) + "\n")
