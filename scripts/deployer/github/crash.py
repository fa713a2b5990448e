"""What is kept of an error nobody foresaw: its traceback, in a file only its owner can read."""

from __future__ import annotations

import os
import tempfile
import traceback

from deployer import __version__


def traceback_of(error: BaseException) -> str:
    """The traceback as Python prints it, headed by our version."""
    return f"deployer {__version__}\n" + "".join(traceback.format_exception(error))


def keep(text: str) -> str:
    """Writes `text` to a new file of mode 0600 among the temporary files; returns its path, or "" on failure."""
    try:
        handle, path = tempfile.mkstemp(prefix="deployer-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return ""
    return path
