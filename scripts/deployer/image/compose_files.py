"""Several compose files as one document: `-f` after `-f`, `include` and `extends`, merged as compose merges them.

Only as far as a release has to know. Nothing is interpolated: what `${…}` stands for is known on the instance alone.
Paths are turned until all count from the project's folder, which is that of the first file: what a file included or
extended says counts from its own folder.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployer.image import compose_schema
from deployer.image.compose_yaml import RESET, Override, parse, refuse, untagged, within

Read = Callable[[str], bytes]
"""From a path, as seen from the root of the release, to what the file holds."""

Mapping = dict[str, Any]

SECTIONS = ("services", "networks", "volumes", "configs", "secrets")
"""Of what a compose file says, what has names."""


@dataclass
class ComposeFiles:
    """Reads compose files below one root, each once; `read` holds them by path, in the order they were needed."""

    open: Read
    project: str
    read: dict[str, bytes] = field(default_factory=dict)
    env_files: list[str] = field(default_factory=list)
    """Those that `include` insists on, by path."""
    folders: set[str] = field(default_factory=set)
    """Those of included projects, whose `.env` is read if it is there."""
    _documents: dict[str, Mapping] = field(default_factory=dict)

    def merged(self, paths: Sequence[str]) -> Mapping:
        """The application the files describe together. Raises BadInput naming file and line."""
        whole: Mapping = {}
        for path in paths:
            whole = _over(whole, self._resolved(path, self.project, (path,)))
        return dict(untagged(whole))

    def each(self, paths: Sequence[str]) -> list[Mapping]:
        """The same files one by one, each with what it includes and extends, before they lie over each other.

        Their tags are still there.
        """
        return [self._resolved(path, self.project, (path,)) for path in paths]

    def _resolved(self, path: str, folder: str, above: tuple[str, ...]) -> Mapping:
        """A file with all it includes and extends; its paths count from `folder`."""
        document = dict(self._document(path))
        included = document.pop("include", None) or []
        services = document.get("services")
        resolved = {name: self._service(path, folder, name) for name in _bare(services) or {}}
        document["services"] = Override(resolved) if isinstance(services, Override) else resolved
        for section in ("configs", "secrets"):
            if isinstance(document.get(section), dict):
                document[section] = {name: self._moved(each, folder) for name, each in document[section].items()}
        whole: Mapping = {}
        for each in included:
            whole = _beside(path, whole, self._included(path, folder, each, above))
        return _beside(path, whole, document)

    def _included(self, path: str, folder: str, entry: Any, above: tuple[str, ...]) -> Mapping:
        """What one entry of `include` names: a path, or {path, project_directory}, where path may be a list."""
        wanted = entry if isinstance(entry, dict) else {"path": entry}
        paths = [wanted["path"]] if isinstance(wanted["path"], str) else wanted["path"]
        paths = [self._below(path, folder, each) for each in paths]
        home = wanted.get("project_directory")
        home = self._below(path, folder, home) if home else posixpath.dirname(paths[0])
        self.folders.add(home)
        self.env_files += [_seen("", folder, each) for each in _listed(wanted.get("env_file"))]
        whole: Mapping = {}
        for each in paths:
            if each in above:
                refuse(path, 0, f"includes {each}, which includes it in turn", "take one of the two away")
            whole = _over(whole, self._resolved(each, home, (*above, each)))
        return whole

    def _service(self, path: str, folder: str, name: str) -> Any:
        """A service with what it extends, its paths counting from the project's folder; a tag stays what it is."""
        written = _bare(self._document(path)["services"])[name]
        if written is RESET:
            return RESET
        whole = self._rebased(self._extended(path, folder, name, (f"{path}: {name}",)), folder)
        return Override(whole) if isinstance(written, Override) else whole

    def _extended(self, path: str, folder: str, name: str, above: tuple[str, ...]) -> Mapping:
        """A service of `path` with what it extends; its paths count from `folder`."""
        services = _bare(self._document(path).get("services")) or {}
        if name not in services:
            refuse(path, 0, f"there is no service {name} to extend", f"its services are {', '.join(services)}")
        service = dict(_bare(services[name]) or {})
        if service.get("build"):
            service["build"] = within(service["build"], _long_build)
        if not (extends := service.pop("extends", None)):
            return service
        wanted = extends if isinstance(extends, dict) else {"service": extends}
        source = self._below(path, folder, wanted["file"]) if wanted.get("file") else path
        if (here := f"{source}: {wanted['service']}") in above:
            refuse(path, 0, f"services.{name} extends itself", "take the `extends` away that leads back")
        home = posixpath.dirname(source) if wanted.get("file") else folder
        base = self._extended(source, home, wanted["service"], (*above, here))
        if home != folder:
            base = _turned(base, lambda each: _seen(folder, home, each))
        return _over(base, service)

    def _rebased(self, service: Mapping, folder: str) -> Mapping:
        return service if folder == self.project else _turned(service, lambda each: _seen(self.project, folder, each))

    def _moved(self, entry: Any, folder: str) -> Any:
        """A config or secret whose file counts from the project's folder."""
        if folder == self.project or not isinstance(entry, dict) or "file" not in entry:
            return entry
        return {**entry, "file": _seen(self.project, folder, entry["file"])}

    def _below(self, path: str, folder: str, written: str) -> str:
        """Where a file named by a compose file lies, seen from the root."""
        if "$" in written or "://" in written or written.startswith(("/", "~")):
            refuse(path, 0, f"{written} is not a path below the compose file", "name a file of the repository")
        return posixpath.normpath(posixpath.join(folder, written))

    def _document(self, path: str) -> Mapping:
        if path not in self._documents:
            body = self.read[path] = self.open(path)
            document = parse(path, body)
            if not isinstance(document, dict):
                refuse(path, 1, "not a mapping", "a compose file is a YAML mapping with `services:`")
            compose_schema.check(path, body, document)
            self._documents[path] = document
        return self._documents[path]


def _over(old: Mapping, new: Mapping) -> Mapping:
    return {**old, **{name: merge(old.get(name), each) for name, each in new.items()}}


def _beside(path: str, old: Mapping, new: Mapping) -> Mapping:
    """What is included, and what stands beside it: unlike several files, they may not change each other."""
    for section in SECTIONS:
        one, other = old.get(section) or {}, new.get(section) or {}
        for name in one.keys() & other.keys() if isinstance(other, dict) else ():
            if not _is_tagged(other[name]) and untagged(one[name] or {}) != untagged(other[name] or {}):
                fix = f"define it once; only a file of its own, after this one in `compose-files`, may change {name}"
                refuse(path, 0, f"{section}.{name} is another one than in what is included", fix)
    return _over(old, new)


def _is_tagged(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, Override) or any(_is_tagged(each) for each in parts)


def merge(old: Any, new: Any) -> Any:
    """`new` over `old`: mappings key by key, lists one after the other, all else in its place.

    compose also knows which entries of some lists replace each other, such as two mounts of one target; who reads such
    a list lets the last of them win.
    """
    if isinstance(new, Override) or new is None:
        return old if new is None else new
    if isinstance(old, Override):
        return Override(merge(old.value, new))
    if isinstance(old, dict) and isinstance(new, dict):
        return _over(old, new)
    if isinstance(old, list) or isinstance(new, list):
        return [*_listed(old), *_listed(new)]
    return new


def _bare(value: Any) -> Any:
    """What a tag of compose's stands before."""
    return value.value if isinstance(value, Override) else value


def _listed(value: Any) -> list[Any]:
    """A list, or the one thing that may stand in its place (`env_file: .env`)."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _turned(service: Mapping, turn: Callable[[str], str]) -> Mapping:
    """A service whose relative paths went through `turn`."""
    turned = dict(service)
    for name, each in (("env_file", _turned_env_file), ("label_file", _turned_env_file), ("volumes", _turned_volume)):
        if name in service:
            turned[name] = _within(service[name], turn, each)
    if "build" in service:
        turned["build"] = within(service["build"], lambda build: _turned_build(build, turn) if build else build)
    return turned


def _long_build(build: Any) -> Mapping:
    """A build section in its long form, over which others can be laid: a short one is its context."""
    if isinstance(build, str):
        return {"context": build}
    mappings = ("args", "labels", "additional_contexts")
    return {**build, **{name: within(build[name], _named) for name in mappings if build.get(name)}}


def _named(value: Any) -> Mapping:
    """A mapping, or the list of NAME=VALUE that may stand in its place; what has no value is looked up by compose."""
    if isinstance(value, dict):
        return value
    pairs = (each.partition("=") for each in value)
    return {name: text if equals else None for name, equals, text in pairs}


def _turned_build(build: Mapping, turn: Callable[[str], str]) -> Mapping:
    """A build section: its contexts are folders, or what the builder fetches itself."""

    def moved(context: str) -> str:
        return context if ":" in context else turn(context)  # https://…, git@…, service:…, docker-image://…

    turned = {**build, "context": moved(build.get("context", "."))}
    if more := build.get("additional_contexts"):
        turned["additional_contexts"] = within(more, lambda named: {name: moved(each) for name, each in named.items()})
    return turned


def _within(value: Any, turn: Callable[[str], str], change: Callable[[Any, Callable[[str], str]], Any]) -> Any:
    if isinstance(value, Override):
        return Override(_within(value.value, turn, change))
    return [change(each, turn) for each in _listed(value)]


def _turned_env_file(entry: Any, turn: Callable[[str], str]) -> Any:
    return {**entry, "path": turn(entry["path"])} if isinstance(entry, dict) else turn(entry)


def _turned_volume(entry: Any, turn: Callable[[str], str]) -> Any:
    if isinstance(entry, dict):
        return {**entry, "source": turn(entry["source"])} if entry.get("type") == "bind" else entry
    source, colon, rest = entry.partition(":")
    return f"{turn(source)}{colon}{rest}" if colon and source.startswith(".") else entry


def _seen(project: str, folder: str, path: str) -> str:
    """A path that counts from `folder`, as it is written when it counts from `project`."""
    if path.startswith(("/", "~", "$")):
        return path
    turned = posixpath.relpath(posixpath.join("/", folder, path), posixpath.join("/", project))
    return turned if turned.startswith("..") else f"./{turned}"
