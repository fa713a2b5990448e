"""What was found, for people: one line a check, below a problem what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from deployer.doctor.checkup import Examined
from deployer.doctor.finding import Finding, State

MARKS = {State.OK: "✓", State.PROBLEM: "✗", State.WARNING: "!", State.NOT_CHECKED: "-"}


def lines(section: Examined) -> Iterator[str]:
    """The lines of one section, aligned."""
    width = max(len(each.name) for each in section.findings)
    for each in section.findings:
        unseen = "not checked: " if each.state is State.NOT_CHECKED else ""
        yield f"  {MARKS[each.state]} {each.name:<{width}}  {unseen}{each.said}"
        if each.state in (State.PROBLEM, State.WARNING):
            yield from (f"      {line}" for line in each.fix.splitlines())


def counted(findings: Sequence[Finding]) -> str:
    """How many of each kind, in words."""
    number = Counter(each.state for each in findings)
    kinds = (
        (State.OK, "ok"),
        (State.PROBLEM, "problem" if number[State.PROBLEM] == 1 else "problems"),
        (State.WARNING, "warning" if number[State.WARNING] == 1 else "warnings"),
        (State.NOT_CHECKED, "not checked"),
    )
    return ", ".join(f"{number[state]} {word}" for state, word in kinds if number[state])


def markdown(sections: Sequence[Examined]) -> str:
    """The same for the job's summary."""
    rows = ["| | | |", "|---|---|---|"]
    rows += [
        f"| {MARKS[each.state]} | {_cell(each.name)} | {_cell(each.said)} |"
        for section in sections
        for each in section.findings
    ]
    return "\n".join(rows) + "\n"


def as_data(sections: Sequence[Examined]) -> list[dict[str, str]]:
    """For machines (docs/contracts.md)."""
    return [
        {
            "section": section.title,
            "name": each.name,
            "state": each.state.value,
            "said": each.said,
            "fix": each.fix,
        }
        for section in sections
        for each in section.findings
    ]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
