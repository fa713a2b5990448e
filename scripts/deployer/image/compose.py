"""Compose files, read only as far as a release has to know them.

Nothing is interpolated: what `${…}` stands for is known on the instance alone. Several files are merged as compose
does it for the few keys read here, later ones over earlier ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn

from deployer.core.errors import BadInput


@dataclass(frozen=True)
class Service:
    """What one service runs, and which files of the host it asks for, as the compose files write them."""

    image: str = ""
    builds: bool = False
    env_files: tuple[str, ...] = ()
    """Those that compose insists on; one with `required: false` may be missing."""
    mounts: tuple[str, ...] = ()
    stop_grace: float | None = None
    """Seconds from SIGTERM to SIGKILL; None where the service does not say."""


@dataclass(frozen=True)
class Compose:
    """Several compose files as one. `version` is the first file's, which compose 1 wants in all of them."""

    services: Mapping[str, Service] = field(default_factory=dict)
    version: str = ""
    configs: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Files that top-level `configs` and `secrets` name."""


def read(files: Mapping[str, bytes]) -> Compose:
    """The application that these files (path: content) describe together.

    Raises BadInput naming file, line where there is one, and what to do.
    """
    merged = Compose()
    for path, body in files.items():
        merged = _over(merged, _read_one(path, body))
    if not merged.services:
        raise BadInput(f"{', '.join(files)}: no services", "a compose file needs a mapping `services:`")
    return merged


def _over(old: Compose, new: Compose) -> Compose:
    services = dict(old.services)
    for name, service in new.services.items():
        before = services.get(name, Service())
        services[name] = Service(
            image=service.image or before.image,
            builds=service.builds or before.builds,
            env_files=(*before.env_files, *service.env_files),
            mounts=(*before.mounts, *service.mounts),
            stop_grace=before.stop_grace if service.stop_grace is None else service.stop_grace,
        )
    return Compose(
        services=services,
        version=old.version if old.services else new.version,
        configs=(*old.configs, *new.configs),
        secrets=(*old.secrets, *new.secrets),
    )


def _read_one(path: str, body: bytes) -> Compose:
    document = _parse(path, body)
    if not isinstance(document, dict):
        _refuse(path, 1, "not a mapping", "a compose file is a YAML mapping with `services:`")
    if "include" in document:
        _refuse(path, 0, "`include` is not supported", "name the files in `compose-files` instead")
    services = _mapping(path, "services", document.get("services"))
    return Compose(
        services={str(name): _service(path, str(name), value) for name, value in services.items()},
        version=str(document.get("version") or ""),
        configs=_files(path, "configs", document.get("configs")),
        secrets=_files(path, "secrets", document.get("secrets")),
    )


def _files(path: str, section: str, value: object) -> tuple[str, ...]:
    """The files of `configs` or `secrets`; what comes from elsewhere (`external`, `environment`) has none."""
    entries = _mapping(path, section, value).values()
    return tuple(each["file"] for each in entries if isinstance(each, dict) and isinstance(each.get("file"), str))


def _service(path: str, name: str, value: object) -> Service:
    place = f"services.{name}"
    fields = _mapping(path, place, value)
    if "extends" in fields:
        _refuse(path, 0, f"{place}: `extends` is not supported", "write the service out in full")
    image = fields.get("image") or ""
    if not isinstance(image, str):
        _refuse(path, 0, f"{place}.image is no string", "write it in quotes")
    return Service(
        image=image,
        builds=bool(fields.get("build")),
        env_files=tuple(_env_files(path, place, fields.get("env_file"))),
        mounts=tuple(_mounts(path, place, fields.get("volumes"))),
        stop_grace=_seconds(fields.get("stop_grace_period")),
    )


def _seconds(value: object) -> float | None:
    """`1m30s` as compose writes durations; None for what is none, which is compose's business to refuse."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(us|ms|h|m|s)", str(value or ""))
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if parts else None


_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def _env_files(path: str, place: str, value: object) -> list[str]:
    """One path, a list of paths, or of `{path, required}`."""
    found = []
    for each in _list(path, f"{place}.env_file", [value] if isinstance(value, str) else value):
        if isinstance(each, dict):
            each = each.get("path") if each.get("required", True) else ""
        if not isinstance(each, str):
            _refuse(path, 0, f"{place}.env_file is no path", "write `env_file: .env` or a list of paths")
        if each:
            found.append(each)
    return found


def _mounts(path: str, place: str, value: object) -> list[str]:
    """The host's side of bind mounts: `./a:/b`, or `{type: bind, source: ./a}`; volumes with a name are no files."""
    found = []
    for each in _list(path, f"{place}.volumes", value):
        if isinstance(each, dict) and each.get("type") == "bind":
            found.append(str(each.get("source") or ""))
        elif isinstance(each, str) and ":" in each and each.startswith((".", "/", "~", "$")):
            found.append(each.split(":", 1)[0])
    return [each for each in found if each]


def _mapping(path: str, place: str, value: object) -> dict[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        _refuse(path, 0, f"{place} is not a mapping", "see the compose file reference")
    return value


def _list(path: str, place: str, value: object) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        _refuse(path, 0, f"{place} is not a list", "see the compose file reference")
    return value


def _parse(path: str, body: bytes) -> object:
    import yaml

    try:
        return yaml.load(body, Loader=loader())  # noqa: S506 (a safe loader that knows two more tags)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        _refuse(path, line, f"not YAML ({error.problem})", "mend that line; `docker compose config` shows it too")
    except (yaml.YAMLError, RecursionError) as error:
        _refuse(path, 0, f"not YAML ({' '.join(str(error).split())})", "save it as UTF-8 text")


_NOT_OF_ITS_TYPE = (ArithmeticError, AttributeError, LookupError, ValueError)
"""What PyYAML lets through for `2024-02-30`, `!!int x` and their like, without a word on where."""


@cache
def loader() -> Any:
    """PyYAML's safe loader with compose's own tags: `!reset` takes a key away, `!override` stands for its value."""
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
            try:
                return super().construct_object(node, deep)
            except _NOT_OF_ITS_TYPE as error:
                kind = node.tag.rpartition(":")[2]
                raise yaml.constructor.ConstructorError(
                    None, None, f"{node.value!r} is no {kind}", node.start_mark
                ) from error

    def override(loading: yaml.SafeLoader, node: yaml.Node) -> object:
        if isinstance(node, yaml.MappingNode):
            return loading.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loading.construct_sequence(node, deep=True)
        return loading.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None

    Loader.add_constructor("!override", override)
    Loader.add_constructor("!reset", lambda *_: None)
    return Loader


def _refuse(path: str, line: int, why: str, fix: str) -> NoReturn:
    raise BadInput(f"{path}:{line}: {why}" if line else f"{path}: {why}", fix)
