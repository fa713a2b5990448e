"""Runs checks one after the other: a check whose ground is missing is not made, and what ends one ends no other.

Not concurrently: most of the time goes into one question to all instances, and the rest are some thirty quick calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from deployer.core.errors import Denied, DeployError
from deployer.doctor.finding import Finding, State, not_checked, problem

Look = Callable[[], "Finding | Iterable[Finding]"]
Unforeseen = Callable[[Exception], DeployError]
"""Says in a sentence what nobody foresaw."""


@dataclass(frozen=True)
class Check:
    """One look. `needs` names checks that must have gone well before it makes sense.

    `extra`: it takes a permission that no deploy needs, so without that permission it is not made, and that is no
    problem.
    """

    name: str
    look: Look
    needs: tuple[str, ...] = ()
    extra: bool = False


@dataclass(frozen=True)
class Section:
    """Checks that belong together."""

    title: str
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Examined:
    """A section with what its checks said."""

    title: str
    findings: tuple[Finding, ...]


def examine(sections: Iterable[Section], unforeseen: Unforeseen) -> Iterator[Examined]:
    """Each section as soon as it is done."""
    stands: dict[str, bool] = {}
    for section in sections:
        findings: list[Finding] = []
        for check in section.checks:
            found = _made(check, stands, unforeseen)
            stands[check.name] = all(each.state in (State.OK, State.WARNING) for each in found)
            findings += found
        yield Examined(section.title, tuple(findings))


def _made(check: Check, stands: dict[str, bool], unforeseen: Unforeseen) -> tuple[Finding, ...]:
    missing = next((each for each in check.needs if not stands.get(each, False)), None)
    if missing is not None:
        return (not_checked(f"`{missing}` is not known to be well", name=check.name),)
    try:
        found = check.look()
        findings = (found,) if isinstance(found, Finding) else tuple(found)
    except Denied as denied:
        findings = (_denied(check, denied),)
    except DeployError as error:
        findings = (problem(error.what, error.fix),)
    except Exception as error:  # of policies and settings that others write, one may be of a shape we never saw
        bug = unforeseen(error)
        findings = (problem(bug.what, bug.fix),)
    return tuple(each.named(check.name) for each in findings)


def _denied(check: Check, denied: Denied) -> Finding:
    if check.extra and denied.action:
        return not_checked(f"it takes {denied.action}, which a deploy does not", denied.fix)
    return problem(denied.what, denied.fix)
