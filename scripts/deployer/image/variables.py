"""Variables of compose files, as compose reads them: `$NAME`, `${NAME}`, `${NAME:-default}`, `$$` for a dollar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_WITHOUT_DEFAULT = re.compile(r"\$\$|\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?=\}|:?\?)")
_SET = ("PATH", "HOME", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME")
"""By the instance, or by compose itself."""


def without_default(value: Any) -> Iterator[str]:
    """The names that stand for nothing unless somebody sets them, in any text of a mapping or list."""
    if isinstance(value, str):
        found = (each[1] or each[2] for each in _WITHOUT_DEFAULT.finditer(value))
        yield from (name for name in found if name and name not in _SET)
    else:
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for each in parts:
            yield from without_default(each)
