"""Where an image comes from: what reads names on an instance agrees with what pinned them."""

from __future__ import annotations

import os
import subprocess

from deployer.image.reference import login_server, parse
from deployer.instance_files import activate

# Without its last line `activate` only defines its functions.
BOTH = activate().removesuffix('main "${1:-}"\n') + 'for image; do registry_of "${image}"; server_of "${image}"; done'

IMAGES = [
    "nginx",
    "acme/x:1",
    "docker.io/nginx:1.27",
    "index.docker.io/acme/x",
    "ghcr.io/acme/x",
    "localhost/x",
    "localhost:5000/x:1",
    "123456789012.dkr.ecr.eu-central-1.amazonaws.com/x",
]


def test_an_instance_reads_names_as_publish_does() -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "APP": "orange"}
    command = ["bash", "-c", BOTH, "bash", *IMAGES]

    said = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout

    registries = [parse(each).registry for each in IMAGES]
    assert said.split() == [word for each in registries for word in (each, login_server(each))]
