"""Compose files as the stand-in understands them: merged, interpolated, environments read as compose v2 reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>\w+)(?::?(?P<op>[-?])(?P<word>[^}]*))?\})"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class ComposeError(Exception):
    """The files are not what compose would accept."""


@dataclass(frozen=True)
class Service:
    """One service; `ports` are those published on the instance."""

    name: str
    container: str
    image: str
    ports: tuple[int, ...]
    environment: Mapping[str, str]

    @property
    def identity(self) -> str:
        """Changes when the container has to be made anew."""
        return json.dumps(asdict(self), sort_keys=True)


def load(files: Iterable[Path], project: str, directory: Path, variables: Mapping[str, str]) -> list[Service]:
    """The services of the files, later ones over earlier ones. Raises ComposeError."""
    merged: dict[str, dict[str, Any]] = {}
    for path in files:
        for name, fields in _services(path, variables).items():
            merged[name] = _merge(merged.get(name, {}), fields)
    return [_service(name, fields, project, directory, variables) for name, fields in merged.items()]


def read_env_file(path: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of an env file: double quotes with escapes, single quotes, or plain with interpolation."""
    found: dict[str, str] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ComposeError(f"env file {path} not found: {error.strerror}") from error
    for line in text.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            name, equals, value = line.partition("=")
            if equals:
                found[name.strip()] = _env_value(value, {**variables, **found})
    return found


def _env_value(text: str, variables: Mapping[str, str]) -> str:
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1]
    if len(text) >= 2 and text[0] == text[-1] == '"':
        # `\$` must survive until the variables are in; a NUL cannot be part of an environment
        held = re.sub(r"\\(.)", lambda found: "\0" if found[1] == "$" else _ESCAPES.get(found[1], found[1]), text[1:-1])
        return interpolate(held, variables).replace("\0", "$")
    return interpolate(re.sub(r"\s+#.*", "", text).strip(), variables)


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """`text` with `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:?message}` replaced, `$$` being a dollar."""

    def replacement(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        value = variables.get(found["bare"] or found["name"], "")
        if not value and found["op"] == "?":
            raise ComposeError(f"required variable {found['name']} is missing a value: {found['word']}")
        return value or (found["word"] or "" if found["op"] else "")

    return _VARIABLE.sub(replacement, text)


def _services(path: Path, variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    import yaml  # start-up time: most docker commands read no compose file

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ComposeError(f"{path}: {error}") from error
    services = _interpolated(content, variables).get("services") if isinstance(content, dict) else None
    if not isinstance(services, dict):
        raise ComposeError(f"{path}: services must be a mapping")
    return services


def _interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return interpolate(value, variables)
    if isinstance(value, dict):
        return {key: _interpolated(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_interpolated(each, variables) for each in value]
    return value


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Lists are joined, `environment` is merged by name, everything else is replaced."""
    merged = {**under, **over}
    for key in under.keys() & over.keys():
        if key == "environment":
            merged[key] = {**_mapping(under[key]), **_mapping(over[key])}
        elif isinstance(under[key], list) and isinstance(over[key], list):
            merged[key] = under[key] + over[key]
    return merged


def _service(name: str, fields: dict[str, Any], project: str, directory: Path, variables: Mapping[str, str]) -> Service:
    if not isinstance(fields.get("image"), str):
        raise ComposeError(f"service {name} has no image; nothing is built on an instance")
    environment: dict[str, str] = {}
    for path in _env_files(fields.get("env_file")):
        environment |= read_env_file(directory / path, variables)
    environment |= {key: value for key, value in _mapping(fields.get("environment")).items() if value is not None}
    return Service(
        name=name,
        container=fields.get("container_name") or f"{project}-{name}-1",
        image=fields["image"],
        ports=tuple(_published(each) for each in fields.get("ports", [])),
        environment=environment,
    )


def _env_files(value: Any) -> list[str]:
    entries = value if isinstance(value, list) else [value] if value else []
    return [each["path"] if isinstance(each, dict) else each for each in entries]


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        pairs = (str(each).partition("=") for each in value)
        return {name: text if equals else None for name, equals, text in pairs}
    return {key: each if each is None else str(each) for key, each in (value or {}).items()}


def _published(port: Any) -> int:
    """The port on the instance in `8080:80`, `127.0.0.1:8080:80` or the long form."""
    text = str(port.get("published", "")) if isinstance(port, dict) else str(port).partition("/")[0]
    parts = text.split(":")
    chosen = parts[-2] if len(parts) > 1 else parts[0]
    if not chosen.isdigit():
        raise ComposeError(f"port {port!r}: the stand-in publishes single, given ports only")
    return int(chosen)
