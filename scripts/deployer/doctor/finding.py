"""What a check says: one line, and where it is no good line, what to do next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class State(Enum):
    """How a check ended; only a problem keeps a deploy from going well."""

    OK = "ok"
    PROBLEM = "problem"
    WARNING = "warning"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Finding:
    """`name` says what was looked at, `said` what was seen, `fix` what to do next (may span lines, ready to paste)."""

    name: str
    state: State
    said: str
    fix: str = ""

    def named(self, name: str) -> Finding:
        """The same under the check's name, unless it has one of its own."""
        return self if self.name else replace(self, name=name)


def ok(said: str, name: str = "") -> Finding:
    """It is as a deploy needs it."""
    return Finding(name, State.OK, said)


def problem(said: str, fix: str, name: str = "") -> Finding:
    """A deploy would fail, or what this product promises would not hold."""
    return Finding(name, State.PROBLEM, said, fix)


def warning(said: str, fix: str, name: str = "") -> Finding:
    """It works, and somebody should know."""
    return Finding(name, State.WARNING, said, fix)


def not_checked(because: str, fix: str = "", name: str = "") -> Finding:
    """Nobody knows: what it rests on is not there, or we may not look."""
    return Finding(name, State.NOT_CHECKED, f"because {because}", fix)
