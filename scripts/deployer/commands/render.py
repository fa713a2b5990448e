"""Prints what the infrastructure needs to hold: the SSM document, the launch template's user data, or the policies."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict

from deployer import instance_files
from deployer.core.errors import BadInput
from deployer.core.keys import APP_PATTERN, BUCKET_PATTERN, GROUP_PATTERN
from deployer.github.console import Console
from deployer.infra.roles import IDENTITY, STORAGE, identity_roles, storage_policy
from deployer.infra.template import parameter_names, partition_of
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
    elif inputs.what == "policies":
        text = policies(inputs, os.environ)
    else:
        raise BadInput(f"nothing to render is called {inputs.what!r}", "`what` is document, user-data or policies")
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


def policies(inputs: RenderInputs, environment: Mapping[str, str]) -> str:
    """The roles of infra/identity.yml and the bucket policy of infra/storage.yml as JSON, for one group.

    Raises BadInput naming every parameter that is missing or malformed.
    """
    region = inputs.aws_region or environment.get("AWS_REGION", "")
    _check_place(inputs.account_id, region)
    place = inputs.account_id, region, partition_of(region)
    given, of_bucket = _stack_parameters(inputs), parameter_names(STORAGE)
    of_roles = {name for name in given if name in parameter_names(IDENTITY) or name not in of_bucket}
    roles = identity_roles({name: given[name] for name in of_roles}, *place)
    bucket_policy = storage_policy({name: given[name] for name in given if name in of_bucket}, *place)
    printed = {"roles": {name: asdict(role) for name, role in roles.items()}, "bucket_policy": bucket_policy}
    return json.dumps(printed, indent=2) + "\n"


def _check_place(account: str, region: str) -> None:
    if not re.fullmatch(r"\d{12}", account):
        raise BadInput(f"account-id is {account!r}: an account id is 12 digits", "give --account-id 123456789012")
    if not re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-\d+", region):
        raise BadInput(f"aws-region is {region!r}: that is no region", "write it like eu-central-1")


def _stack_parameters(inputs: RenderInputs) -> Mapping[str, str]:
    """By name, what the inputs of their own name included; raises BadInput for what is not written Name=Value."""
    malformed = [each for each in inputs.stack_parameters if "=" not in each]
    if malformed:
        raise BadInput(f"stack-parameters has {malformed[0]!r}", "write each as Name=Value, one a line")
    own = {"App": inputs.app, "Bucket": inputs.bucket, "AutoScalingGroup": inputs.auto_scaling_group}
    given = dict(each.split("=", 1) for each in inputs.stack_parameters)
    return {**{name: value for name, value in own.items() if value}, **given}
