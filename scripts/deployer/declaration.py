"""What an input is: a field of a class, with a default and a help text, and a parser chosen by its annotation."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, get_type_hints

from deployer.core import quantities
from deployer.core.quantities import ImageName, Lines, Rows, Seconds, Share

PARSERS: dict[Any, Any] = {
    str: str,
    int: quantities.parse_count,
    bool: quantities.parse_switch,
    Seconds: quantities.parse_seconds,
    Share: quantities.parse_share,
    Lines: quantities.parse_lines,
    Rows: quantities.parse_rows,
    ImageName: quantities.parse_image_name,
}


def required(text: str) -> Any:
    """An input that has no default: leaving it out is bad input."""
    return field(metadata={"help": text})


def optional(default: Any, text: str, *, shown: str | None = None) -> Any:
    """An input with a default; `shown` is how action.yml and the docs write that default."""
    return field(default=default, metadata={"help": text, "shown": shown})


@dataclass(frozen=True)
class Input:
    """One input as the faces of the product see it."""

    name: str
    type: Any
    default: Any
    required: bool
    help: str
    shown: str
    """The default as action.yml and the docs write it; `parse(shown)` is the default."""

    @property
    def flag(self) -> str:
        return f"--{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable an action hands it over in."""
        return "INPUT_" + self.name.replace("-", "_").upper()

    def parse(self, text: str) -> Any:
        """The typed value of `text`; raises ValueError with the accepted forms."""
        return PARSERS[self.type](text)


def inputs_of(group: type) -> tuple[Input, ...]:
    """The inputs a class declares, its bases' first."""
    types = get_type_hints(group)
    return tuple(_input(each, types[each.name]) for each in fields(group))


def _input(each: Field[Any], annotation: Any) -> Input:
    return Input(
        name=each.name.replace("_", "-"),
        type=annotation,
        default=None if each.default is MISSING else each.default,
        required=each.default is MISSING,
        help=each.metadata["help"],
        shown=each.metadata.get("shown") or _written(each.default),
    )


def _written(default: Any) -> str:
    if default is MISSING:
        return ""
    return (
        str(default).lower()
        if isinstance(default, bool)
        else "\n".join(default)
        if isinstance(default, tuple)
        else str(default)
    )
