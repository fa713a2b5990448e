"""How every AWS client behaves: how patient it is, what it calls itself, how it reaches a custom endpoint."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from deployer import __version__
from deployer.core.errors import BadInput

if TYPE_CHECKING:
    from botocore.config import Config


def client_config(run_tag: str) -> Config:
    """Patient with throttling, and recognisable in CloudTrail by `run_tag`, if there is one.

    `adaptive`: after a throttled call botocore holds its own rate below what AWS took. It sleeps a few seconds at most,
    so that a cancelled job can still end in time; a rollout goes on trying by itself.

    A custom endpoint (a local cloud, a proxy) gets buckets in the path, as its host name cannot carry them, and
    checksums only where S3 demands one, as not all of them know the trailing kind. Raises BadInput where it is no URL.
    """
    from botocore.config import Config

    _check_endpoints()
    config = Config(
        user_agent_extra=f"awesomeorange-deploy/{__version__}" + (f" run/{run_tag}" if run_tag else ""),
        retries={"mode": "adaptive", "total_max_attempts": 4},
        connect_timeout=10,
        read_timeout=60,
        tcp_keepalive=True,
    )
    if not (os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_S3")):
        return config
    custom = Config(
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return config.merge(custom)


def single_attempt() -> Config:
    """To be merged over the configuration of a client whose calls must not be repeated unasked."""
    from botocore.config import Config

    return Config(retries={"mode": "standard", "total_max_attempts": 1})


def _check_endpoints() -> None:
    """botocore finds out only when a client is made, and does not say where the endpoint came from."""
    for name, value in os.environ.items():
        if name.startswith("AWS_ENDPOINT_URL") and value and not re.fullmatch(r"https?://[!-~]+", value):
            raise BadInput(
                f"{name} is {value!r}, which is no URL", "write it with its scheme, for example http://localhost:4566"
            )
