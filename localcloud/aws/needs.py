"""What a request needs: each an action on a resource, with the condition keys the request carries for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Need:
    """One permission. A call may go ahead when every one of its needs is met."""

    action: str
    resource: str = "*"
    """`*` for an action that knows no resources."""
    keys: Mapping[str, Any] = field(default_factory=dict)
    """Condition keys, in lower case, which is how the evaluator looks them up."""


class UnknownOperation(Exception):
    """What an operation needs is not known here, so nobody but the account itself may call it."""
