"""How a command ended, for the log, the job's outputs and `--json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.core.errors import EXIT_DONE, DeployError


@dataclass(frozen=True)
class Outcome:
    """`outputs` become the step's outputs (kebab-case) and the JSON; `summary` is Markdown for the job's summary."""

    exit_code: int = EXIT_DONE
    outputs: Mapping[str, object] = field(default_factory=dict)
    summary: str = ""
    failure: DeployError | None = None
    """What to tell a person when the command ran to its end and that end is not a good one."""
