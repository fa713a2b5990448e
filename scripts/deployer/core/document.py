"""JSON documents, written one way and read strictly: what is missing, of another kind or unknown is named.

A reader takes the fields it knows one by one from `Fields` and then calls `end()`, which refuses what is left
over: a document of a later schema must not be half understood.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from deployer.core.errors import DeployError

SCHEMA = 1


def write(document: Mapping[str, Any]) -> bytes:
    """The bytes of a document: indented JSON in UTF-8, fields in the order given, one newline at the end."""
    return (json.dumps(document, indent=2, ensure_ascii=False, sort_keys=False) + "\n").encode()


def read(body: bytes, place: str) -> Fields:
    """The fields of a document of our schema; `place` names it in errors. Raises DeployError."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        _refuse(place, f"is not JSON ({error})")
    fields = Fields(value, place)
    schema = fields.number("schema")
    if schema != SCHEMA:
        _refuse(place, f"has schema {schema}, and this version of the deployer reads {SCHEMA}")
    return fields


def _refuse(place: str, why: str) -> NoReturn:
    raise DeployError(
        f"{place} {why}",
        "it was damaged, or written by something else or by another version of this action: "
        "compare the versions in your workflows",
    )


class Fields:
    """The fields of one JSON object not yet taken. Every method raises DeployError naming place and field."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            _refuse(place, "is not a JSON object")
        self._left: dict[str, object] = dict(value)
        self._place = place

    def text(self, name: str, pattern: str = "") -> str:
        """A string; with a pattern, one that matches it whole."""
        value = self._take(name)
        if not isinstance(value, str):
            self._wrong(name, "a string")
        if pattern and not re.fullmatch(pattern, value):
            self._wrong(name, f"of the form {pattern}")
        return value

    def number(self, name: str) -> int:
        """A whole number of zero or more."""
        value = self._take(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self._wrong(name, "a whole number of 0 or more")
        return value

    def switch(self, name: str) -> bool:
        """True or false."""
        value = self._take(name)
        if not isinstance(value, bool):
            self._wrong(name, "true or false")
        return value

    def has(self, name: str) -> bool:
        """Whether the field is there and was not taken yet."""
        return name in self._left

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._take(name)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._wrong(name, "a list of strings")
        return tuple(value)

    def named_texts(self, name: str) -> dict[str, str]:
        """An object whose values are strings."""
        value = self._take(name)
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            self._wrong(name, "an object of strings")
        return dict(value)

    def part(self, name: str) -> Fields:
        """An object within the object."""
        return Fields(self._take(name), f"{self._place}: {name}")

    def part_or_none(self, name: str) -> Fields | None:
        """An object within the object, or null."""
        value = self._take(name)
        return None if value is None else Fields(value, f"{self._place}: {name}")

    def parts(self, name: str) -> tuple[Fields, ...]:
        """A list of objects."""
        value = self._take(name)
        if not isinstance(value, list):
            self._wrong(name, "a list")
        return tuple(Fields(each, f"{self._place}: {name}[{at}]") for at, each in enumerate(value))

    def end(self) -> None:
        """Refuses fields that nobody took."""
        if self._left:
            _refuse(self._place, f"has fields nobody knows: {', '.join(sorted(self._left))}")

    def _take(self, name: str) -> object:
        if name not in self._left:
            _refuse(self._place, f"has no `{name}`")
        return self._left.pop(name)

    def _wrong(self, name: str, expected: str) -> NoReturn:
        _refuse(self._place, f"has a `{name}` that is not {expected}")
