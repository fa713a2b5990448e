"""What a client needs to know of a cloud: plain `KEY=VALUE` lines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from localcloud.github.server import GitHub
from localcloud.options import CloudOptions
from localcloud.resources import Made

LOOPBACK = "127.0.0.0/8,127.0.0.1,localhost,169.254.169.254"
"""What no proxy may be asked for."""


def without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that keep the machine's own proxy out of talk on loopback, its other exceptions kept."""
    kept = environment.get("no_proxy") or environment.get("NO_PROXY", "")
    exceptions = ",".join(filter(None, [kept, LOOPBACK]))
    return {"NO_PROXY": exceptions, "no_proxy": exceptions}


def environment_of(
    options: CloudOptions, made: Made, github: GitHub, origin: str, registry: str, load_balancer_url: str
) -> dict[str, str]:
    """The environment of a client: credentials, names, and the actions' inputs. No load balancer: an empty URL."""
    names = {
        "APP": options.app,
        "BUCKET": options.bucket,
        "AUTO_SCALING_GROUP": options.group,
        "DOCUMENT": options.document,
    }
    environment = {
        "AWS_ENDPOINT_URL": origin,
        "AWS_ACCESS_KEY_ID": made.access_key,
        "AWS_SECRET_ACCESS_KEY": made.secret_key,
        "AWS_REGION": options.region,
        "AWS_DEFAULT_REGION": options.region,
        **names,
        "GROUP": options.group,
        "REGISTRY": registry,
        "PARAMETERS": options.parameters,
        "ACTIONS_ID_TOKEN_REQUEST_URL": github.token_url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": github.issuer.request_token,
        "ROLE_TO_ASSUME": made.role_arn,
        "GITHUB_API_URL": github.api_url,
        **{f"INPUT_{name}": value for name, value in names.items()},
        **without_proxy(os.environ),
    }
    if made.target_group_arn:
        environment["TARGET_GROUP_ARN"] = made.target_group_arn
    if load_balancer_url:
        environment["LOAD_BALANCER_URL"] = load_balancer_url
    return environment


def lines_of(environment: Mapping[str, str]) -> str:
    """The environment as text, one `KEY=VALUE` per line."""
    return "".join(f"{name}={value}\n" for name, value in environment.items())


def write_private(path: Path, text: str) -> None:
    """Writes a file only its owner may read, all at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
