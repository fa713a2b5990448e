"""Ports of the host that a service publishes, in the forms compose has for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_SHORT = re.compile(
    r"(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9.]+):)?(?P<first>\d+)(?:-(?P<last>\d+))?:\d+(?:-\d+)?(?:/(?P<protocol>\w+))?"
)
_EVERYWHERE = ("", "0.0.0.0", "[::]", "::")  # noqa: S104 (what compose files say, nothing binds here)


@dataclass(frozen=True)
class HostPorts:
    """The ports `first` to `last` of one address ("" for all), known before anything runs."""

    first: int
    last: int
    ip: str = ""
    protocol: str = "tcp"

    @classmethod
    def of(cls, written: Any) -> HostPorts | None:
        """What an entry of `ports` takes; None where the engine picks a port, or only a variable says which."""
        if isinstance(written, dict):
            return cls._long(written)
        found = _SHORT.fullmatch(str(written))
        if not found:
            return None
        first = int(found["first"])
        return cls(first, int(found["last"] or first), _address(found["ip"] or ""), found["protocol"] or "tcp")

    @classmethod
    def _long(cls, written: dict[str, Any]) -> HostPorts | None:
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", str(written.get("published", "")))
        if not found:
            return None
        first = int(found[1])
        ip, protocol = _address(str(written.get("host_ip") or "")), str(written.get("protocol") or "tcp")
        return cls(first, int(found[2] or first), ip, protocol)

    def meets(self, other: HostPorts) -> bool:
        """Whether both want some port: a single one each, as in ranges the engine may find others."""
        same_place = self.protocol == other.protocol and (self.ip == other.ip or "" in (self.ip, other.ip))
        return same_place and self.first == self.last == other.first == other.last

    def holds(self, port: int) -> bool:
        """Whether whoever asks the host itself at `port` may be answered by this."""
        return self.protocol == "tcp" and self.first <= port <= self.last

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"


def _address(ip: str) -> str:
    return "" if ip in _EVERYWHERE else ip
