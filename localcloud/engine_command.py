"""The `docker` command line, one call at a time."""

from __future__ import annotations

import os
import subprocess

SYSTEM_PATHS = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where Debian keeps dockerd and haproxy; not on a normal user's PATH."""


class EngineError(Exception):
    """The engine, or a program beside it, is missing or refused; the text says what, why and what to do next."""


def search_path() -> str:
    """The caller's PATH with the system's own directories behind it."""
    return f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATHS}"


def docker(*arguments: str, stdin: bytes | None = None, timeout: float = 120) -> str:
    """What `docker ARGUMENTS` prints, without the last line break. Raises EngineError with what it complained of."""
    try:
        done = subprocess.run(
            ["docker", *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise EngineError("there is no docker command\n  run localcloud/install") from None
    except subprocess.TimeoutExpired:
        raise EngineError(f"docker {arguments[0]} did not answer within {timeout:.0f} s") from None
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip()
        raise EngineError(f"docker {arguments[0]} failed: {complaint}")
    return done.stdout.decode(errors="replace").rstrip("\n")


def last_words(container: str, lines: int = 20) -> str:
    """The last lines of a container's log, both of its outputs."""
    done = subprocess.run(
        ["docker", "logs", "--tail", str(lines), container],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode(errors="replace").rstrip("\n")


def engine_answers() -> bool:
    """Whether a docker engine is within reach of the plain `docker` command."""
    try:
        return docker("version", "--format", "{{.Server.Version}}", timeout=20) != ""
    except EngineError:
        return False
