"""Several services at once: the `build:` sections of compose files, built by `docker buildx bake`.

Bake reads compose files itself, but it is not given the user's own: a variable that only an instance knows (`${URL:?}`)
would stop it. It is given their `build:` sections alone, and over them a definition of what the sections do not say:
names, tags, labels, cache and attestations.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deployer.core.errors import BadInput
from deployer.image import compose
from deployer.image.build import Build
from deployer.image.compose_files import ComposeFiles, Read
from deployer.image.compose_yaml import untagged, within, written

SERVICE = "{service}"
"""Stands in an image's name for the name of each service that has a `build`."""


@dataclass(frozen=True)
class Sections:
    """The build sections of compose files.

    `built`: each service that has one. `alike`: a service without one that runs the `image` of a service with one.
    """

    built: tuple[str, ...]
    alike: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[bytes] = ()
    """Compose files in YAML with nothing but build sections, in the order of their originals."""


def sections(paths: Sequence[str], open_file: Read, profiles: Sequence[str] = ()) -> Sections:
    """What compose files say about building the services that run; raises BadInput where that is nothing."""
    services = compose.read(paths, open_file).running(profiles)
    built = tuple(name for name, service in services.items() if service.builds)
    if not built:
        raise BadInput(f"no service of {', '.join(paths)} has a `build`", f"give `image` a name without {SERVICE}")
    by_image = {services[name].image: name for name in built if services[name].image}
    alike = {
        name: by_image[service.image]
        for name, service in services.items()
        if name not in built and service.image in by_image
    }
    return Sections(built, alike, _only_builds(ComposeFiles(open_file, posixpath.dirname(paths[0])).each(paths), built))


def _only_builds(documents: Sequence[Mapping[str, Any]], built: Sequence[str]) -> list[bytes]:
    """Compose files without all but their build sections and the secrets these name; compose's tags stay."""
    services = [_builds(each, built) for each in documents]
    wanted = {secret for each in services for secret in _secrets(untagged(each))}
    return [written(_reduced(*each, wanted)).encode() for each in zip(services, documents, strict=True)]


def _reduced(services: Any, document: Mapping[str, Any], wanted: Collection[str]) -> dict[str, Any]:
    secrets = {name: each for name, each in (untagged(document.get("secrets")) or {}).items() if name in wanted}
    return {"services": services, **({"secrets": secrets} if secrets else {})}


def _builds(document: Mapping[str, Any], built: Sequence[str]) -> Any:
    """The services, or what a tag stands before: a service that only takes back what an earlier file said is kept."""

    def alone(service: Any) -> dict[str, Any]:
        return {"build": service["build"]} if service.get("build") else {}

    def cut(services: Mapping[str, Any]) -> dict[str, Any]:
        reduced = {name: within(each, alone) for name, each in services.items() if name in built}
        return {name: each for name, each in reduced.items() if each}

    return within(document["services"], cut)


def _secrets(services: Mapping[str, Any]) -> Iterator[str]:
    for service in services.values():
        yield from compose.sources(service.get("build", {}).get("secrets"))


def target(service: str) -> str:
    """What bake calls a service: a dot in a target's name is not allowed."""
    return service.replace(".", "_")


def definition(builds: Sequence[Build], can_attest: bool) -> bytes:
    """Bake's own file, laid over the build sections."""
    targets = {target(each.service): _target(each, can_attest) for each in builds}
    return json.dumps({"target": _escaped(targets)}).encode()


def _target(build: Build, can_attest: bool) -> dict[str, Any]:
    """What is empty stays as the compose file has it."""
    provenance, sbom = build.attestations(can_attest)
    attested = [
        f"type=provenance,{'disabled=true' if provenance == 'false' else provenance}",
        *(["type=sbom"] if sbom == "true" else []),
    ]
    said = {
        "tags": list(build.names),
        "labels": dict(build.labels),
        "args": dict(each.split("=", 1) for each in build.build_args),
        "platforms": list(build.platforms),
        "secret": list(build.secrets),
        "ssh": list(build.ssh),
        "cache-from": list(build.cache_from),
        "cache-to": list(build.cache_to),
        "attest": attested,
        "output": ["type=registry"] if build.push else [],
    }
    return {name: value for name, value in said.items() if value}


def _escaped(value: Any) -> Any:
    """Bake would take `${…}` and `%{…}` in a definition for expressions of its own."""
    if isinstance(value, dict):
        return {name: _escaped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return re.sub(r"([$%])\{", r"\1\1{", value) if isinstance(value, str) else value


def arguments(files: Sequence[Path], builds: Sequence[Build], metadata_file: Path) -> list[str]:
    """The words after `docker buildx`; `files` are absolute: bake runs in the folder the compose files count from."""
    words = ["bake", "--progress=plain", f"--metadata-file={metadata_file}"]
    words += [f"--file={each}" for each in files]
    return [*words, *(target(each.service) for each in builds)]


def settled(build: Build, environment: Mapping[str, str]) -> Build:
    """The same build, nothing of which depends on the folder bake runs in, or on what only `docker build` looks up."""
    named = ((name, environment.get(name)) for name in build.build_args if "=" not in name)
    return replace(
        build,
        build_args=(
            *(each for each in build.build_args if "=" in each),
            *(f"{name}={value}" for name, value in named if value is not None),
        ),
        secrets=tuple(_absolute_source(each) for each in build.secrets),
        ssh=tuple(_absolute_keys(each) for each in build.ssh),
    )


def _absolute_source(secret: str) -> str:
    pairs = (part.partition("=") for part in secret.split(","))
    absolute = (
        (name, equals, str(Path(value).absolute()) if name in ("src", "source") else value)
        for name, equals, value in pairs
    )
    return ",".join("".join(each) for each in absolute)


def _absolute_keys(key: str) -> str:
    name, equals, files = key.partition("=")
    return name + equals + ",".join(str(Path(file).absolute()) for file in files.split(",") if file)
