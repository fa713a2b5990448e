"""A rollout in Markdown: the table and the timeline of the job's summary."""

from __future__ import annotations

from deployer.core.actions import Result
from deployer.core.progress import Stage, Step
from deployer.rollout.rollout import Rolled

_HEADLINE = {
    Result.SUCCEEDED: "✅ {group} runs {version}",
    Result.FAILED: "❌ {group}: {version} failed, nothing is left half-done",
    Result.ROLLED_BACK: "↩️ {group}: {version} failed, {previous} is back",
    Result.COULD_NOT_RESTORE: "❌ {group}: {version} failed and not every instance could be put back",
    Result.INTERRUPTED: "⏹️ {group}: interrupted on the way to {version}",
}


def headline(rolled: Rolled) -> str:
    """One line: what the group runs now and how that came."""
    restored = rolled.ending.plan.target.version
    return _HEADLINE[rolled.ending.result].format(group=rolled.group, version=rolled.version, previous=restored)


def markdown(rolled: Rolled) -> str:
    """The headline, why, every instance, and when each was out of service."""
    parts = [f"### {headline(rolled)}"]
    if rolled.ending.reason:
        parts.append(f"> {_cell(rolled.ending.reason)}")
    parts.append(_table(rolled))
    parts.append(_timeline(rolled))
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(rolled: Rolled) -> str:
    rows = [
        f"| `{each}` | {step.running or '-'} | {step.stage.value} | {_seconds(step)} | {_cell(_why(step))} |"
        for each, step in rolled.ending.progress.steps.items()
    ]
    return "\n".join(["| instance | runs | outcome | seconds | reason |", "|---|---|---|---:|---|", *rows])


def _why(step: Step) -> str:
    if step.stage is Stage.PROVEN and step.marked:
        return "marked unhealthy before the rollout: the group replaces it"
    return step.reason


def _timeline(rolled: Rolled) -> str:
    bars = [_bar(each, step) for each, step in rolled.ending.progress.steps.items() if step.began_at]
    if not bars:
        return ""
    return "\n".join(["```mermaid", "gantt", "    dateFormat X", "    axisFormat %H:%M:%S", *bars, "```"])


def _bar(instance_id: str, step: Step) -> str:
    mark = "crit, " if step.stage is Stage.FAILED else ""
    return f"    {instance_id} : {mark}{step.began_at:.0f}, {max(step.since, step.began_at + 1):.0f}"


def _seconds(step: Step) -> str:
    return f"{step.since - step.began_at:.1f}" if step.began_at else "-"


def _cell(text: str) -> str:
    """Text that cannot leave its table cell or its quote."""
    return " ".join(text.replace("|", "\\|").split())
