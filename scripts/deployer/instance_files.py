"""What instances are given: the files of `scripts/instance`, and two texts made from them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from deployer.core.errors import DeployError
from deployer.core.keys import APP_PATTERN, BUCKET_PATTERN, GROUP_PATTERN
from deployer.core.release import PARAMETERS_PATTERN, SHA256_PATTERN
from deployer.core.version import VERSION_PATTERN

DIRECTORY = Path(__file__).resolve().parent.parent / "instance"

GENERATION_PATTERN = r"0|[1-9][0-9]{0,9}"
SUBCOMMAND_PATTERN = r"boot|prefetch|activate|status|down"
TIMEOUT_PATTERN = r"[1-9][0-9]{0,5}"

MOST_DOCUMENT = 64 * 1024
"""SSM: a document has at most 64 KB."""

MOST_USER_DATA = 16 * 1024
"""EC2: user data has at most 16 KB before it is encoded."""

# name: (pattern, what it is). An empty value is allowed where a subcommand has no use for the parameter.
_PARAMETERS = {
    "Subcommand": (SUBCOMMAND_PATTERN, "What to do"),
    "App": (APP_PATTERN, "Name of the application"),
    "Bucket": (BUCKET_PATTERN, "S3 bucket of the application"),
    "Group": (GROUP_PATTERN, "Auto Scaling group of the instance"),
    "Version": (f"({VERSION_PATTERN})?", "Version of the release"),
    "ManifestSha256": (f"({SHA256_PATTERN})?", "SHA-256 of the release's manifest"),
    "Generation": (f"({GENERATION_PATTERN})?", "Fencing token of the rollout"),
    "Parameters": (f"({PARAMETERS_PATTERN})?", "What `status` is to try to read; it says whether it could, no value"),
    "Timeout": (TIMEOUT_PATTERN, "Seconds until the command is killed: 5 to 172800, anything else means 3600"),
}
_DEFAULTS = {"Version": "", "ManifestSha256": "", "Generation": "", "Parameters": "", "Timeout": "3600"}
_ACTIVATE = (
    *("activate/head", "activate/marker", "activate/state", "activate/manifest", "aws", "activate/files"),
    *("activate/environment", "activate/engine", "activate/registry", "activate/images", "activate/containers"),
    *("activate/health", "activate/prune", "activate/main"),
)
_OF_THE_STEP = frozenset({"Timeout"})
"""Not for the script: SSM itself puts them in where the step names them."""


def read(name: str) -> str:
    """The text of a file of `scripts/instance`."""
    return (DIRECTORY / name).read_text(encoding="utf-8")


def activate() -> str:
    """The script a release brings along: its parts, in an order that reads from how it ends to its story."""
    return "\n".join(read(f"{part}.sh") for part in _ACTIVATE)


def loader() -> str:
    """What brings a release's `activate` to an instance, and runs it: without lines that are all comment and what is
    said of functions, which user data has no room for."""
    return re.sub(r"(?m)^ *#(?!!| shellcheck ).*\n|(?<=\(\) \{) #.*", "", _fill(read("loader"), AWS=read("aws.sh")))


def ssm_document() -> str:
    """The SSM document as JSON: one shell step that carries the loader, every parameter typed and patterned.

    Its `Timeout` bounds what runs on the instance (seconds; SSM kills the whole process group).
    """
    script = _fill(read("document.sh"), LOADER=loader())
    content = {
        "schemaVersion": "2.2",
        "description": "Brings an instance to a release of an application",
        "parameters": {name: _parameter(name) for name in _PARAMETERS},
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "deployer",
                "inputs": {"timeoutSeconds": "{{ Timeout }}", "runCommand": script.splitlines()},
            }
        ],
    }
    return _within(json.dumps(content, indent=2) + "\n", MOST_DOCUMENT, "the SSM document")


def user_data(app: str, bucket: str, group: str, lifecycle_hook: str) -> str:
    """The launch template's user data of one group; `lifecycle_hook` may be empty. The values are checked already."""
    text = _fill(
        read("user-data"),
        APP=app,
        BUCKET=bucket,
        GROUP=group,
        LIFECYCLE_HOOK=lifecycle_hook,
        LOADER=loader(),
        UNIT=read("deployer-boot.service"),
    )
    return _within(text, MOST_USER_DATA, "the user data")


def _parameter(name: str) -> dict[str, str]:
    pattern, description = _PARAMETERS[name]
    by_variable = {} if name in _OF_THE_STEP else {"interpolationType": "ENV_VAR"}
    default = {"default": _DEFAULTS[name]} if name in _DEFAULTS else {}
    return {"type": "String", "description": description, "allowedPattern": f"^({pattern})$", **by_variable, **default}


def _fill(template: str, **values: str) -> str:
    """The template with each @NAME@ replaced, in one pass: a value is never searched for placeholders."""
    return re.sub("@([A-Z_]+)@", lambda found: values[found[1]].rstrip("\n"), template)


def _within(text: str, limit: int, what: str) -> str:
    size = len(text.encode())
    if size > limit:
        raise DeployError(f"{what} has {size} bytes, {limit} are allowed", "shorten scripts/instance/loader")
    return text
