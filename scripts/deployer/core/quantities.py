"""The small values inputs are made of: durations, counts, shares, switches, lists, names of images."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NewType

Seconds = NewType("Seconds", int)
"""A length of time in whole seconds."""

Lines = tuple[str, ...]
"""A list given one item a line, or separated by commas."""

Rows = NewType("Rows", tuple[str, ...])
"""A list given one item a line, never separated by commas."""

ImageName = NewType("ImageName", str)
"""The name of an image in lower case; a tag or digest behind it as it was written."""

_UNIT = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Share:
    """A part of a group: a number of instances, or a percentage of the group's size."""

    amount: int
    is_percent: bool = False

    def of(self, total: int) -> int:
        """How many of `total` instances this is; a percentage rounds down, but never to none (0 of 0 is 0)."""
        if not self.is_percent:
            return min(self.amount, total)
        return min(total, max(1, math.floor(total * self.amount / 100)))

    def __str__(self) -> str:
        return f"{self.amount}%" if self.is_percent else str(self.amount)


def parse_seconds(text: str) -> Seconds:
    """Seconds in `90s`, `10m` or `1h`; raises ValueError saying the accepted forms."""
    match = re.fullmatch(r"(\d{1,6})([smh])", text)
    if not match:
        raise ValueError("a duration is a number and a unit: 90s, 10m or 1h")
    return Seconds(int(match[1]) * _UNIT[match[2]])


def parse_count(text: str) -> int:
    """A whole number of zero or more; raises ValueError."""
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError("a count is a whole number, 0 or more")
    return int(text)


def parse_share(text: str) -> Share:
    """A count (`2`) or a percentage of the group (`33%`); raises ValueError."""
    match = re.fullmatch(r"(\d{1,9})(%?)", text)
    if not match:
        raise ValueError("give a number of instances (2) or a percentage of the group (33%)")
    share = Share(int(match[1]), bool(match[2]))
    if share.is_percent and share.amount > 100:
        raise ValueError("a percentage of the group is at most 100%")
    return share


def parse_switch(text: str) -> bool:
    """`true` or `false`, nothing else: Actions hands every input over as a string, and "no" must not mean yes."""
    if text not in ("true", "false"):
        raise ValueError("write true or false")
    return text == "true"


def parse_lines(text: str) -> Lines:
    """The items of a list, trimmed, blanks dropped, order kept.

    One item a line; a list written on a single line is split at its commas instead, so an item that holds a comma
    (`--build-args`) is safe as soon as the list has two lines.
    """
    parts = text.split("\n") if "\n" in text else text.split(",")
    return tuple(item for item in (part.strip() for part in parts) if item)


def parse_rows(text: str) -> Rows:
    """The items of a list, one a line, in which commas have a meaning of their own."""
    return Rows(tuple(item for item in (part.strip() for part in text.split("\n")) if item))


def parse_image_name(text: str) -> ImageName:
    """Registries take lower case alone; a name made of GitHub's owner and repository may have capitals."""
    name = re.sub(r"(:[^/:@]+)?(@.+)?$", "", text)
    return ImageName(name.lower() + text[len(name) :])
