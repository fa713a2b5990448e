"""SSM documents: from a document and its parameters to the script an agent runs.

Schema 2.2 with one `aws:runShellScript` step. Values are checked as AWS checks them (known, given, `allowedValues`,
`allowedPattern`); a parameter with `interpolationType: ENV_VAR` reaches the script as the variable `SSM_<Name>`, any
other is pasted over its `{{ Name }}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.aws.errors import AwsError

DEFAULT_EXECUTION_TIMEOUT = 3600
EXECUTION_TIMEOUTS = range(5, 172_801)
"""Seconds; anything else silently becomes the default, as the agent does it."""

RUN_SHELL_SCRIPT = {
    "schemaVersion": "2.2",
    "description": "Run a shell script or specify the commands to run.",
    "parameters": {
        "commands": {"type": "StringList"},
        "workingDirectory": {"type": "String", "default": ""},
        "executionTimeout": {"type": "String", "default": "3600", "allowedPattern": r"^[0-9]{1,6}$"},
    },
    "mainSteps": [
        {
            "action": "aws:runShellScript",
            "name": "aws:runShellScript",
            "inputs": {"runCommand": "{{ commands }}", "timeoutSeconds": "{{ executionTimeout }}"},
        }
    ],
}
"""Amazon's own document AWS-RunShellScript, which every account has."""

_REFERENCE = re.compile(r"\{\{\s*(?:ssm:)?([A-Za-z0-9_.\-]+)\s*\}\}")


@dataclass(frozen=True)
class Step:
    """What one invocation runs: the script, its extra environment, and the seconds it may take."""

    name: str
    script: str
    environment: Mapping[str, str]
    timeout: int


def step_of(content: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> Step:
    """The document's step with the given parameters filled in. Raises InvalidParameters or InvalidDocument."""
    declared = content.get("parameters") or {}
    values = _checked(declared, given)
    steps = content.get("mainSteps") or []
    if len(steps) != 1 or steps[0].get("action") != "aws:runShellScript":
        raise AwsError("InvalidDocument", "The local cloud runs documents of exactly one aws:runShellScript step.")
    inputs = steps[0].get("inputs") or {}
    by_variable = {name for name, each in declared.items() if each.get("interpolationType") == "ENV_VAR"}
    pasted = {name: value for name, value in values.items() if name not in by_variable}
    return Step(
        name=steps[0].get("name", "aws:runShellScript"),
        script=_script(inputs.get("runCommand", []), pasted),
        environment={f"SSM_{name}": _text(values[name]) for name in by_variable if name in values},
        timeout=_timeout(inputs.get("timeoutSeconds"), pasted),
    )


def _checked(declared: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    for name in given:
        if name not in declared:
            raise _invalid(f'Parameter "{name}" is not declared by the document.')
    values: dict[str, Any] = {}
    for name, rule in declared.items():
        if name in given:
            values[name] = _typed(name, rule, list(given[name]))
        elif "default" in rule:
            values[name] = rule["default"]
        else:
            raise _invalid(f'Parameter "{name}" requires a value.')
    return values


def _typed(name: str, rule: Mapping[str, Any], given: list[str]) -> str | list[str]:
    for value in given:
        allowed = rule.get("allowedValues")
        if allowed and value not in [_text(each) for each in allowed]:
            raise _invalid(f'Parameter "{name}" has value "{value}" not in {allowed}.')
        pattern = rule.get("allowedPattern")
        if pattern and not re.search(pattern, value):
            raise _invalid(f'Parameter "{name}" has value "{value}" not matching "{pattern}".')
        if len(value) > int(rule.get("maxChars", len(value))):
            raise _invalid(f'Parameter "{name}" is longer than {rule["maxChars"]} characters.')
    if rule.get("type") == "StringList":
        return given
    if len(given) != 1:
        raise _invalid(f'Parameter "{name}" takes one value, got {len(given)}.')
    return given[0]


def _script(run_command: str | Sequence[str], values: Mapping[str, Any]) -> str:
    lines = [run_command] if isinstance(run_command, str) else run_command
    filled: list[str] = []
    for line in lines:
        whole = _REFERENCE.fullmatch(line.strip())
        value = values.get(whole.group(1)) if whole else None
        filled += value if isinstance(value, list) else [_fill(line, values)]
    return "\n".join(filled) + "\n"


def _fill(text: str, values: Mapping[str, Any]) -> str:
    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        return _text(values[name]) if name in values else match.group(0)

    return _REFERENCE.sub(value_of, text)


def _timeout(declared: object, values: Mapping[str, Any]) -> int:
    text = _fill(str(declared or ""), values)
    seconds = int(text) if text.isdigit() else 0
    return seconds if seconds in EXECUTION_TIMEOUTS else DEFAULT_EXECUTION_TIMEOUT


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameters", message)
