"""One `docker buildx build`: what to build, checked, and the command line that builds it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deployer.core.errors import BadInput

TAG_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
PLATFORM_PATTERN = r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?"
CACHES = ("none", "registry", "gha", "local")
PROVENANCES = ("", "min", "max", "false")
CACHE_TAG = "buildcache"
GHA_VARIABLES = ("ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL")


@dataclass(frozen=True)
class Build:
    """What to build. `image` is a name without a tag; `cache_folder` is where `cache: local` keeps its layers."""

    image: str
    tags: tuple[str, ...]
    context: str = "."
    dockerfile: str = ""
    target: str = ""
    platforms: tuple[str, ...] = ()
    build_args: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    cache: str = "none"
    cache_folder: str = ""
    provenance: str = ""
    sbom: bool = False
    push: bool = True


def arguments(build: Build, metadata_file: str, can_attest: bool) -> list[str]:
    """The words after `docker`; without a choice of provenance it is `min` where the engine can attest."""
    provenance = build.provenance or ("min" if can_attest else "false")
    words = ["buildx", "build", "--progress=plain", f"--metadata-file={metadata_file}"]
    words += [f"--tag={build.image}:{tag}" for tag in build.tags]
    words += [f"--label={name}={value}" for name, value in build.labels.items()]
    words += [f"--build-arg={each}" for each in build.build_args]
    words += [f"--secret={each}" for each in build.secrets]
    words += _cache_arguments(build)
    words.append(f"--provenance={'false' if provenance == 'false' else f'mode={provenance}'}")
    if build.dockerfile:
        words.append(f"--file={build.dockerfile}")
    if build.target:
        words.append(f"--target={build.target}")
    if build.platforms:
        words.append(f"--platform={','.join(build.platforms)}")
    if build.sbom:
        words.append("--sbom=true")
    if build.push:
        words.append("--push")
    return [*words, "--", build.context]


def _cache_arguments(build: Build) -> list[str]:
    """Everything that was built is kept (`mode=max`); a cache that cannot be written does not fail the build."""
    if build.cache == "registry":
        # ECR takes a cache only as an image of its own, in OCI's media types
        ref = f"type=registry,ref={build.image}:{CACHE_TAG}"
        form = "mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"
        return [f"--cache-from={ref}", f"--cache-to={ref},{form}"]
    if build.cache == "gha":
        return ["--cache-from=type=gha", "--cache-to=type=gha,mode=max,ignore-error=true"]
    if build.cache == "local":
        filled = Path(build.cache_folder, "index.json").is_file()
        read = [f"--cache-from=type=local,src={build.cache_folder}"] if filled else []
        return [*read, f"--cache-to=type=local,dest={build.cache_folder},mode=max"]
    return []


def check(build: Build, environment: Mapping[str, str]) -> None:
    """Raises BadInput for what docker would only find out later, or never."""
    for tag in build.tags:
        _check_form("extra-tags", tag, TAG_PATTERN, "a tag, not a whole image name: latest")
    for platform in build.platforms:
        _check_form("platforms", platform, PLATFORM_PATTERN, "linux/amd64 or linux/arm64")
    for argument in build.build_args:
        _check_form("build-args", argument, r"(?s)[A-Za-z_][A-Za-z0-9_.-]*(=.*)?", "NAME=value")
    for secret in build.secrets:
        _check_secret(secret, environment)
    _check_choice("cache", build.cache, CACHES)
    _check_choice("provenance", build.provenance, PROVENANCES)
    if build.cache == "gha" and not all(environment.get(name) for name in GHA_VARIABLES):
        raise BadInput(
            f"cache gha needs {' and '.join(GHA_VARIABLES)}, which GitHub gives to JavaScript actions only",
            "use `cache: registry`, or have an earlier step of the job export both variables",
        )
    _check_context(build)


def check_abilities(build: Build, can_attest: bool) -> None:
    """Raises BadInput for what the builder cannot do: docker's own one, without the containerd image store."""
    asked = [
        *(["sbom"] if build.sbom else []),
        *([f"provenance: {build.provenance}"] if build.provenance in ("min", "max") else []),
        *(["several platforms"] if len(build.platforms) > 1 else []),
        *([f"cache: {build.cache}"] if build.cache != "none" else []),
    ]
    if asked and not can_attest:
        raise BadInput(
            f"the docker engine here cannot do {', '.join(asked)}",
            "run `docker buildx create --use` before this step, or turn on the engine's containerd image store",
        )


def _check_form(name: str, value: str, pattern: str, example: str) -> None:
    if not re.fullmatch(pattern, value):
        raise BadInput(f"{name} has {value!r}", f"write it as {example}")


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise BadInput(f"{name} is {value!r}", f"write one of {', '.join(each for each in choices if each)}")


def _check_secret(secret: str, environment: Mapping[str, str]) -> None:
    """Wants a source that is there: a variable, a file, or a variable named as the id."""
    fields = dict(part.partition("=")[::2] for part in secret.split(","))
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


def _check_context(build: Build) -> None:
    if "://" in build.context or build.context.startswith("git@"):
        return
    if not Path(build.context).is_dir():
        raise BadInput(f"context is {build.context!r}, which is no folder", "check the path and the checkout")
    dockerfile = Path(build.dockerfile) if build.dockerfile else Path(build.context) / "Dockerfile"
    if not dockerfile.is_file():
        raise BadInput(f"there is no {dockerfile}", "set `dockerfile`, relative to the working directory")
