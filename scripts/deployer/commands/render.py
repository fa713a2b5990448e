"""Prints what the infrastructure needs to hold: the SSM document, or the launch template's user data."""

from __future__ import annotations

import re

from deployer import instance_files
from deployer.core.errors import BadInput
from deployer.core.keys import APP_PATTERN, BUCKET_PATTERN, GROUP_PATTERN
from deployer.github.console import Console
from deployer.inputs import RenderInputs
from deployer.outcome import Outcome

HOOK_PATTERN = r"([A-Za-z0-9_/-]{1,255})?"
"""Auto Scaling: letters, digits, `-`, `_` and `/`."""


def run(inputs: RenderInputs, console: Console) -> Outcome:
    """The text goes to the log and, under its own name, to the outputs. Raises BadInput."""
    if inputs.what == "document":
        text = document()
    elif inputs.what == "user-data":
        text = user_data(inputs.app, inputs.bucket, inputs.auto_scaling_group, inputs.lifecycle_hook)
    else:
        raise BadInput(f"nothing to render is called {inputs.what!r}", "`what` is document or user-data")
    console.say(text.rstrip("\n"))
    return Outcome(outputs={inputs.what: text})


def document() -> str:
    """The SSM document the instances run, as JSON (at most 64 KB)."""
    return instance_files.ssm_document()


def user_data(app: str, bucket: str, group: str, lifecycle_hook: str) -> str:
    """The user data of a group's launch template (at most 16 KB). Raises BadInput naming every malformed value."""
    checks = {
        "app": (app, APP_PATTERN),
        "bucket": (bucket, BUCKET_PATTERN),
        "auto-scaling-group": (group, GROUP_PATTERN),
        "lifecycle-hook": (lifecycle_hook, HOOK_PATTERN),
    }
    wrong = [
        f"{name} is {value!r}" if value else f"{name} is required"
        for name, (value, pattern) in checks.items()
        if not re.fullmatch(pattern, value)
    ]
    if wrong:
        raise BadInput("; ".join(wrong), "user data needs --app, --bucket and --auto-scaling-group as AWS knows them")
    return instance_files.user_data(app, bucket, group, lifecycle_hook)
