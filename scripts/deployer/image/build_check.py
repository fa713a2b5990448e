"""What can be wrong with a build before docker is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from deployer.core.errors import BadInput
from deployer.image import reference
from deployer.image.build import Build

TAG_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
PLATFORM_PATTERN = r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?"
SSH_PATTERN = r"[A-Za-z0-9_.-]+(=.+)?"
CACHES = ("none", "registry", "gha", "local")
PROVENANCES = ("", "min", "max", "false")
GHA_VARIABLES = ("ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL")


def check(build: Build, environment: Mapping[str, str]) -> None:
    """Raises BadInput for what docker would only find out later, or never."""
    for tag in build.tags:
        _check_form("extra-tags", tag, TAG_PATTERN, "a tag, not a whole image name: latest")
    for platform in build.platforms:
        _check_form("platforms", platform, PLATFORM_PATTERN, "linux/amd64 or linux/arm64")
    for argument in build.build_args:
        _check_form("build-args", argument, r"(?s)[A-Za-z_][A-Za-z0-9_.-]*(=.*)?", "NAME=value")
        if "=" not in argument and argument not in environment:
            raise BadInput(
                f"build-args has {argument} without a value, and it is set nowhere",
                f"set {argument} in the step's `env:`; if the comma before it belongs to a value, write several "
                "arguments one a line, or the name alone and its value in `env:`",
            )
    for secret in build.secrets:
        _check_secret(secret, environment)
    for key in build.ssh:
        _check_ssh(key, environment)
    _check_choice("provenance", build.provenance, PROVENANCES)
    _check_cache(build, environment)
    if not build.service:
        _check_context(build)


def _check_form(name: str, value: str, pattern: str, example: str) -> None:
    if not re.fullmatch(pattern, value):
        raise BadInput(f"{name} has {value!r}", f"write it as {example}")


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise BadInput(f"{name} is {value!r}", f"write one of {', '.join(each for each in choices if each)}")


def _check_secret(secret: str, environment: Mapping[str, str]) -> None:
    """Wants a source that is there: a variable, a file, or a variable named as the id."""
    pairs = [part.partition("=")[::2] for part in secret.split(",")]
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BadInput("an entry of `secrets` says something twice", "write one secret a line")
    if not fields.get("id"):
        raise BadInput("an entry of `secrets` has no id", "write id=NAME,env=VARIABLE or id=NAME,src=FILE")
    name = fields.get("env", "")
    if name and name not in environment:
        raise BadInput(
            f"secret {fields['id']} is to come from {name}, which is not set", f"set {name} in the step's `env:`"
        )
    file = fields.get("src") or fields.get("source") or ""
    if file and not Path(file).is_file():
        raise BadInput(f"secret {fields['id']} is to come from {file}, which is no file", "check the path")
    if not name and not file and fields["id"] not in environment:
        raise BadInput(f"secret {fields['id']} has no source", f"write id={fields['id']},env=VARIABLE")


def _check_ssh(key: str, environment: Mapping[str, str]) -> None:
    """`default` (the agent's socket) or `NAME=` sockets and key files. A key itself, pasted in, is never shown."""
    if not re.fullmatch(SSH_PATTERN, key):
        raise BadInput("an entry of `ssh` is no name", "write default, or NAME=FILE of a key or an agent's socket")
    name, _, sources = key.partition("=")
    if not sources and not environment.get("SSH_AUTH_SOCK"):
        raise BadInput(
            f"ssh {name} is to come from the SSH agent, and none runs: SSH_AUTH_SOCK is not set",
            "start one in an earlier step (ssh-agent, ssh-add), or give a key's file: default=path/to/key",
        )
    for source in sources.split(",") if sources else ():
        if not Path(source).exists():
            raise BadInput(f"ssh {name} is to come from {source}, which is not there", "check the path")


def _check_cache(build: Build, environment: Mapping[str, str]) -> None:
    _check_choice("cache", build.cache, CACHES)
    if build.cache_ref and build.cache != "registry":
        raise BadInput(f"cache-ref is given, and cache is {build.cache}", "set `cache: registry`, or leave it out")
    if build.cache_ref and reference.parse(build.cache_ref).digest:
        raise BadInput("cache-ref has a digest, and a cache is written anew", "give a name and a tag")
    if build.cache == "gha" and not all(environment.get(name) for name in GHA_VARIABLES):
        raise BadInput(
            f"cache gha needs {' and '.join(GHA_VARIABLES)}, which GitHub gives to JavaScript actions only",
            "use `cache: registry`, or have an earlier step of the job export both variables",
        )


def _check_context(build: Build) -> None:
    if is_remote(build.context):
        return
    if not Path(build.context).is_dir():
        raise BadInput(f"context is {build.context!r}, which is no folder", "check the path and the checkout")
    dockerfile = Path(build.dockerfile) if build.dockerfile else Path(build.context) / "Dockerfile"
    if not dockerfile.is_file():
        raise BadInput(f"there is no {dockerfile}", "set `dockerfile`, relative to the working directory")


def is_remote(context: str) -> bool:
    """Whether docker fetches the context itself: a git repository or an archive; its Dockerfile lies in there."""
    return re.match(r"[a-z][a-z0-9+.-]*://|git@|github\.com/", context) is not None
