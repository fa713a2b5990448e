"""What a stand-in container does; its image's config says so."""

from __future__ import annotations

from dataclasses import dataclass

LABEL = "localcloud.behaviour"
SICK = "sick"
"""A file in an instance's directory; while it is there, all its containers answer 503."""

STATUS = "LOCALCLOUD_STATUS"
"""A variable of a container's environment: what it answers HTTP with, whatever its image says."""


@dataclass(frozen=True)
class Behaviour:
    """Answers HTTP with `status`, or ends at once with `exit_code`."""

    version: str
    status: int = 200
    exit_code: int | None = None
