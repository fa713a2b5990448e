"""Compose files as YAML: read the way compose reads them, with a line for whatever is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from deployer.core.errors import BadInput


@dataclass(frozen=True)
class Override:
    """A value with compose's tag `!override`: it stands for itself, whatever earlier files said."""

    value: object


RESET = Override(None)
"""A key with compose's tag `!reset`: what earlier files said is taken away."""


def parse(path: str, body: bytes) -> object:
    """What the file says, its tags as `Override`. Raises BadInput with the line."""
    import yaml

    try:
        return yaml.load(body, Loader=_loader())  # noqa: S506 (a safe loader that knows two more tags)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        refuse(path, line, f"not YAML ({error.problem})", "mend that line; `docker compose config` shows it too")
    except (yaml.YAMLError, RecursionError) as error:
        refuse(path, 0, f"not YAML ({' '.join(str(error).split())})", "save it as UTF-8 text")


def refuse(path: str, line: int, why: str, fix: str) -> NoReturn:
    """Raises BadInput about a place in a file; line 0 is none."""
    raise BadInput(f"{path}:{line}: {why}" if line else f"{path}: {why}", fix)


def untagged(value: Any) -> Any:
    """The value without `Override`s, as JSON could hold it; what is reset is not there."""
    if isinstance(value, Override):
        return untagged(value.value)
    if isinstance(value, dict):
        return {str(key): untagged(each) for key, each in value.items() if each is not RESET}
    return [untagged(each) for each in value] if isinstance(value, list) else value


def within(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value changed, or what one of compose's tags stands before; what is reset stays so."""
    if isinstance(value, Override):
        return value if value is RESET else Override(change(value.value))
    return change(value)


def written(value: Any) -> str:
    """The value as YAML: JSON, but for compose's tags."""
    if isinstance(value, Override):
        return "!reset null" if value is RESET else f"!override {written(value.value)}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{written(str(name))}: {written(each)}' for name, each in value.items())}}}"
    return f"[{', '.join(map(written, value))}]" if isinstance(value, list) else json.dumps(value, ensure_ascii=False)


def line_of(body: bytes, place: Sequence[str | int]) -> int:
    """The line of a value that was parsed from `body`, or of what it would lie in."""
    import yaml

    node, line = yaml.compose(body, Loader=_loader()), 1
    for step in place:
        found = next((each for each in _below(node) if each[0] == str(step)), None)
        if found is None:
            break
        _, line, node = found
    return line


def _below(node: Any) -> Iterator[tuple[str, int, Any]]:
    """Name, line and node of each value in a mapping or list, those that `<<` brings in last."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value != "<<":
                yield key.value, key.start_mark.line + 1, value
        for key, value in node.value:
            if key.value == "<<":
                yield from (each for one in _merged(value) for each in _below(one))
    elif isinstance(node, yaml.SequenceNode):
        yield from ((str(at), each.start_mark.line + 1, each) for at, each in enumerate(node.value))


def _merged(node: Any) -> list[Any]:
    """What a `<<` names: one mapping, or a list of them."""
    import yaml

    return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]


_NOT_OF_ITS_TYPE = (ArithmeticError, AttributeError, LookupError, ValueError)
"""What PyYAML lets through for `!!timestamp x`, `!!int x` and their like, without a word on where."""

_PLAIN = {
    "tag:yaml.org,2002:bool": r"true|True|TRUE|false|False|FALSE",
    "tag:yaml.org,2002:int": r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)",
    "tag:yaml.org,2002:float": r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
    "tag:yaml.org,2002:null": r"~|null|Null|NULL|",
    "tag:yaml.org,2002:merge": r"<<",
}
"""What a plain word is besides a text. PyYAML follows YAML 1.1, where `no` is false, `22:22` a number in base sixty and
`2024-01-01` a date; for compose they are texts."""


def _check_keys(node: Any) -> None:
    """Refuses a key that is written twice, of which PyYAML would take the last; `<<` has brought nothing in yet."""
    import yaml

    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode) and key.value in lines:
            problem = f"{key.value} is there twice, first in line {lines[key.value]}"
            raise yaml.composer.ComposerError(None, None, problem, key.start_mark)
        lines[str(key.value)] = line


@cache
def _loader() -> Any:
    """PyYAML's safe loader with compose's own tags, and with compose's idea of plain words."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
            node = super().compose_mapping_node(anchor)
            _check_keys(node)
            return node

        def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
            try:
                return super().construct_object(node, deep)
            except _NOT_OF_ITS_TYPE as error:
                kind = node.tag.rpartition(":")[2]
                raise yaml.constructor.ConstructorError(
                    None, None, f"{node.value!r} is no {kind}", node.start_mark
                ) from error

    def override(loader: yaml.SafeLoader, node: yaml.Node) -> Override:
        if isinstance(node, yaml.MappingNode):
            return Override(loader.construct_mapping(node, deep=True))
        if isinstance(node, yaml.SequenceNode):
            return Override(loader.construct_sequence(node, deep=True))
        return Override(loader.construct_scalar(node)) if isinstance(node, yaml.ScalarNode) else RESET

    Loader.yaml_implicit_resolvers = {}
    for tag, pattern in _PLAIN.items():
        Loader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), None)
    Loader.add_constructor("!override", override)
    Loader.add_constructor("!reset", lambda *_: RESET)
    return Loader
