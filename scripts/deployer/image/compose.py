"""What a release has to know of the application that compose files describe."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployer.core.errors import BadInput
from deployer.image.compose_files import SECTIONS, ComposeFiles, Read
from deployer.image.host_ports import HostPorts
from deployer.image.variables import without_default


@dataclass(frozen=True)
class Service:
    """What one service runs, and what of the host it asks for, as the compose files write it."""

    image: str = ""
    builds: bool = False
    env_files: tuple[str, ...] = ()
    """Those that compose insists on; one with `required: false` may be missing."""
    label_files: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    """Files and folders of the host; paths here count from the project's folder."""
    volumes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    """Names of the top-level `volumes` and `networks` it uses."""
    stop_grace: float | None = None
    """Seconds from SIGTERM to SIGKILL; None where the service does not say."""
    profiles: tuple[str, ...] = ()
    """Of which one must be chosen for the service to run; none: it always runs."""
    needs: tuple[str, ...] = ()
    """Services without which compose does not start it."""
    joins: tuple[str, ...] = ()
    """Containers whose network or volumes it shares."""
    configs: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Names of the top-level `configs` and `secrets` its containers get; what its `build` takes is not among them."""
    container_name: str = ""
    replicas: int = 1
    """1 as well where only a variable says it."""
    ports: tuple[HostPorts, ...] = ()
    """Those known before anything runs."""
    ports_vary: bool = False
    """Whether a variable says a port."""
    on_host_network: bool = False
    variables: tuple[str, ...] = ()
    """Those its fields name without a default; what images are called and made of only publish and build need know."""

    def runs_with(self, profiles: Collection[str]) -> bool:
        """Whether compose starts it when these profiles are chosen."""
        return not self.profiles or "*" in profiles or bool(set(self.profiles) & set(profiles))


@dataclass(frozen=True)
class Compose:
    """Several compose files as one. `version` is the first file's, which compose 1 wants in all of them."""

    services: Mapping[str, Service] = field(default_factory=dict)
    version: str = ""
    configs: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Top-level `configs` and `secrets`: the file each is, or "" where it comes from elsewhere."""
    volumes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    external: tuple[str, ...] = ()
    """Networks and volumes that are there before the application: `network proxy`."""
    swarm: tuple[str, ...] = ()
    """Configs and secrets that are `external`, which only a swarm has: `secret token`."""
    env_files: tuple[str, ...] = ()
    """Those that an `include` insists on, seen from the release's root."""
    variables: tuple[str, ...] = ()
    """Those that networks, volumes, configs and secrets name without a default."""
    folders: tuple[str, ...] = ()
    """Those of included files, whose `.env` is read if it is there."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """All that was read: those named, and those they include and extend."""

    def running(self, profiles: Collection[str]) -> dict[str, Service]:
        """The services that run when these profiles are chosen."""
        return {name: each for name, each in self.services.items() if each.runs_with(profiles)}


def read(paths: Sequence[str], open_file: Read) -> Compose:
    """The application that these files describe together; raises BadInput naming file, line if any, and what to do.

    The project's folder, from which paths count, is that of the first file.
    """
    files = ComposeFiles(open_file, posixpath.dirname(paths[0]) if paths else "")
    document = files.merged(paths)
    services = {name: _service(fields) for name, fields in document["services"].items()}
    if not services:
        raise BadInput(f"{', '.join(paths)}: no services", "a compose file needs a mapping `services:`")
    return Compose(
        services=services,
        version=str(document.get("version") or ""),
        configs=_files(document.get("configs")),
        secrets=_files(document.get("secrets")),
        volumes=tuple(document.get("volumes") or ()),
        networks=("default", *(document.get("networks") or ())),
        external=(*_external("network", document.get("networks")), *_external("volume", document.get("volumes"))),
        swarm=(*_external("config", document.get("configs")), *_external("secret", document.get("secrets"))),
        env_files=tuple(files.env_files),
        variables=tuple(
            dict.fromkeys(without_default([document.get(each) for each in SECTIONS if each != "services"]))
        ),
        folders=tuple(files.folders),
        files=files.read,
    )


def _files(section: Any) -> dict[str, str]:
    """The files of `configs` or `secrets`; what comes from elsewhere (`external`, `environment`) has none."""
    return {name: (each or {}).get("file", "") for name, each in (section or {}).items()}


def _external(kind: str, section: Any) -> list[str]:
    """An `external` of old carries the name in a mapping."""
    return [
        f"{kind} {name}" for name, each in (section or {}).items() if isinstance(each, dict) and each.get("external")
    ]


def _service(fields: Mapping[str, Any]) -> Service:
    mounted = _mounted(fields.get("volumes") or ())
    shared = _shared(fields)
    return Service(
        image=fields.get("image") or "",
        builds=bool(fields.get("build")),
        env_files=tuple(_env_files(fields.get("env_file"))),
        label_files=tuple(_env_files(fields.get("label_file"))),
        mounts=tuple(source for source, is_file in mounted if is_file),
        volumes=tuple(source for source, is_file in mounted if not is_file),
        networks=tuple(_names(fields.get("networks") or ())),
        stop_grace=_seconds(fields.get("stop_grace_period")),
        profiles=tuple(fields.get("profiles") or ()),
        needs=tuple(dict.fromkeys([*_needs(fields.get("depends_on") or ()), *shared["service"]])),
        joins=tuple(shared["container"]),
        configs=sources(fields.get("configs")),
        secrets=sources(fields.get("secrets")),
        container_name=fields.get("container_name") or "",
        replicas=_replicas(fields),
        ports=tuple(each for port in fields.get("ports") or () if (each := HostPorts.of(port))),
        ports_vary=any("$" in str(each) for each in fields.get("ports") or ()),
        on_host_network=fields.get("network_mode") == "host",
        variables=tuple(dict.fromkeys(without_default({**fields, "image": None, "build": None}))),
    )


def _seconds(value: object) -> float | None:
    """`1m30s` as compose writes durations; None for what is none, which is compose's business to refuse."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(us|ms|h|m|s)", str(value or ""))
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if parts else None


_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def _env_files(value: Any) -> list[str]:
    """One path, a list of paths, or of `{path, required}`."""
    entries = value if isinstance(value, list) else [value] if value else []
    wanted = [each if isinstance(each, dict) else {"path": each} for each in entries]
    return [each["path"] for each in wanted if each.get("required", True)]


def _mounted(volumes: Sequence[Any]) -> list[tuple[str, bool]]:
    """What of the host is mounted (`./a:/b`, or `{type: bind, source: ./a}`), and volumes by their names; whether it is
    a file or folder. A volume without a name is neither.

    Of two mounts of one target the later stands, as compose has it.
    """
    found: dict[str, tuple[str, bool]] = {}
    for each in volumes:
        if isinstance(each, dict):
            source = str(each.get("source") or "") if each.get("type") in ("bind", "volume") else ""
            found[str(each.get("target"))] = source, each.get("type") == "bind"
        else:
            source, colon, rest = each.partition(":")
            is_file = source.startswith((".", "/", "~", "$"))
            found[rest.partition(":")[0] or source] = source if colon else "", is_file
    return [(source, is_file) for source, is_file in found.values() if source]


def _shared(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """The services and containers whose network, processes, memory or volumes a service shares."""
    volumes_from = [
        each if each.startswith("container:") else f"service:{each}" for each in fields.get("volumes_from") or ()
    ]
    links = [f"service:{each}" for each in fields.get("links") or ()]
    modes = [str(fields.get(name) or "") for name in ("network_mode", "pid", "ipc")]
    found: dict[str, list[str]] = {"service": [], "container": []}
    for each in (*modes, *volumes_from, *links):
        kind, _, rest = each.partition(":")
        if kind in found and rest and "$" not in rest:
            found[kind].append(rest.partition(":")[0])
    return found


def _names(value: Any) -> list[str]:
    """A list of names, or a mapping from them, or after merging both."""
    return [name for each in value for name in ([each] if isinstance(each, str) else each)]


def _needs(value: Any) -> list[str]:
    """A list of services, or a mapping with conditions, where `required: false` makes one dispensable."""
    if isinstance(value, dict):
        return [name for name, each in value.items() if not isinstance(each, dict) or each.get("required", True)]
    return [name for each in value for name in ([each] if isinstance(each, str) else _needs(each))]


def sources(entries: Any) -> tuple[str, ...]:
    """Names of `configs` or `secrets` as a service or a build lists them: each is one, or a mapping with a `source`."""
    return tuple(str(each.get("source") or "") if isinstance(each, dict) else each for each in entries or ())


def _replicas(fields: Mapping[str, Any]) -> int:
    deploy = fields.get("deploy")
    wanted = deploy.get("replicas") if isinstance(deploy, dict) else None
    number = str(fields.get("scale") if wanted is None else wanted)
    return int(number) if number.isdecimal() else 1
