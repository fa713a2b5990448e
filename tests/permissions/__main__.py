"""`python -m tests.permissions DIRECTORY [--whole]`: what a run's local clouds were asked, against what is granted.

Fails for a denial no test expected and, with --whole (every test ran), for a permission nothing used.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.permissions.grants import Grant, grants, role_of
from tests.permissions.not_used_here import NOT_USED_HERE

EXPLAINED = "tests/permissions/not_used_here.py"
Row = Mapping[str, Any]


def main(words: Sequence[str]) -> int:
    """0 if there is nothing to explain."""
    directory = Path(words[0])
    rows = list(_rows(directory))
    used = usage(rows)
    problems = list(unexpected_denials(rows, set(_expecting(directory))))
    if "--whole" in words:
        _show(used)
        problems += unused(used)
    return _complain(problems)


def usage(rows: Iterable[Row]) -> dict[Grant, list[str]]:
    """The tests that used each grant."""
    used: dict[Grant, list[str]] = {each: [] for each in grants()}
    for row in rows:
        grant = Grant(role_of(row["principal"]), row["statement"], row["action"])
        if row["allowed"] and grant in used and row["test"] not in used[grant]:
            used[grant].append(row["test"])
    return used


def unexpected_denials(rows: Iterable[Row], expecting: set[str]) -> Iterable[str]:
    """Who was denied what in which test, but for tests that say they expect it."""
    for row in rows:
        if not row["allowed"] and not row["expected"] and row["test"] not in expecting:
            yield f"{row['principal']} was denied {row['action']} on {row['resource']} in {row['test'] or 'no test'}"


def unused(used: Mapping[Grant, Sequence[str]]) -> Iterable[str]:
    """What is granted, never used and not explained; and what is explained and used, or not even granted."""
    explained = set(NOT_USED_HERE)
    for grant, tests in used.items():
        key = (grant.role, grant.action)
        if not tests and key not in explained:
            yield f"{grant.role} may {grant.action} by {grant.statement}; nothing used it: take it away or explain it"
        if tests and key in explained:
            yield f"{grant.role} may {grant.action}, and {tests[0]} used it: {EXPLAINED} says nothing does"
    for role, action in explained - {(each.role, each.action) for each in used}:
        yield f"{role} may not {action} at all: {EXPLAINED} says why it may"


def _rows(directory: Path) -> Iterable[Row]:
    for file in sorted(directory.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            yield json.loads(line)


def _expecting(directory: Path) -> Iterable[str]:
    for file in directory.glob("*.expects"):
        yield from json.loads(file.read_text())


def _show(used: Mapping[Grant, Sequence[str]]) -> None:
    _say("granted, and used by:")
    for grant, resources in sorted(grants().items()):
        tests = used[grant]
        why = NOT_USED_HERE.get((grant.role, grant.action), "nothing")
        by = f"{len(tests)} tests, {tests[0]}" if tests else f"- {why}"
        _say(f"{grant.role:<11}{grant.statement:<36}{grant.action:<45}{by}")
        for each in resources:
            _say(f"{'':47}{each}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _complain(problems: Sequence[str]) -> int:
    for each in problems:
        _say(f"error: {each}")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
