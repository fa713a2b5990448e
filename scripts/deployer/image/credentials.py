"""Whom docker is logged in as: its configuration file and its credential helpers, read only."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deployer.image.reference import login_server

HELPER_TIMEOUT = 20
"""Seconds a credential helper has to answer."""


def from_docker(environment: Mapping[str, str], registry: str) -> tuple[str, str] | None:
    """User and password for a registry's host, as `docker pull` would find them; None if nobody is logged in."""
    config = _config(environment)
    server = login_server(registry)
    helper = _mapping(config, "credHelpers").get(server) or config.get("credsStore")
    if helper and (found := _ask(str(helper), server, environment)):
        return found
    auths = _mapping(config, "auths")
    entry = auths.get(server) or auths.get(f"https://{server}") or {}
    return _decode(entry.get("auth", "")) if isinstance(entry, dict) else None


def _config(environment: Mapping[str, str]) -> dict[str, Any]:
    folder = environment.get("DOCKER_CONFIG") or str(Path(environment.get("HOME", "/root")) / ".docker")
    try:
        config = json.loads((Path(folder) / "config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _mapping(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = config.get(name)
    return value if isinstance(value, dict) else {}


def _decode(auth: str) -> tuple[str, str] | None:
    try:
        user, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon and user else None


def _ask(helper: str, server: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """docker's protocol for helpers: the server on stdin, JSON on stdout. `<token>` is a login we do not speak."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", helper):
        return None
    try:
        done = subprocess.run(  # noqa: S603 (the name is a plain word, docker itself runs the same program)
            [f"docker-credential-{helper}", "get"],
            input=server.encode(),
            capture_output=True,
            timeout=HELPER_TIMEOUT,
            check=True,
            env=dict(environment),
        )
        answer = json.loads(done.stdout)
        user, password = str(answer["Username"]), str(answer["Secret"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    return (user, password) if user != "<token>" else None
