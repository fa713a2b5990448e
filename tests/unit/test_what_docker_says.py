"""What engines from 20.10 on say when something fails, and what an instance makes of it."""

from __future__ import annotations

import os
import subprocess

import pytest

from deployer.instance_files import activate

# Without its last line `activate` only defines its functions.
EXPLAINED = activate().removesuffix('main "${1:-}"\n') + 'explained "$@"'

PULL = ("cause_of_pull", "see LOGIN")
START = ("cause_of_start",)
DOWN = "the docker engine does not run"
NO_LOGIN = "its registry does not let this instance in (see LOGIN)"
NO_IMAGE = "it is not in its registry"
NO_ANSWER = "its registry does not answer"
PORT = "a port is taken"

SAID = [
    (
        PULL,
        "failed to register layer: Error processing tar file(exit status 1): no space left on device",
        "the disk is",
    ),
    (PULL, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", DOWN),
    (
        PULL,
        "failed to connect to the docker API at unix:///x; check if the path is correct and the daemon is running",
        DOWN,
    ),
    (PULL, "Error response from daemon: manifest for r.io/a@sha256:0 not found: manifest unknown", NO_IMAGE),
    (PULL, 'failed to resolve reference "r.io/a@sha256:0": r.io/a@sha256:0: not found', NO_IMAGE),
    (PULL, "pull access denied for a, repository does not exist or may require 'docker login'", NO_LOGIN),
    (PULL, 'Get "https://r.io/v2/a/manifests/sha256:0": unauthorized: incorrect username or password', NO_LOGIN),
    (
        PULL,
        "failed to fetch oauth token: unexpected status from GET request to https://r.io: 401 Unauthorized",
        NO_LOGIN,
    ),
    (PULL, 'Get "https://r.io/v2/a": no basic auth credentials', NO_LOGIN),
    (PULL, "denied: Your authorization token has expired. Reauthenticate and try again.", NO_LOGIN),
    (PULL, "toomanyrequests: You have reached your pull rate limit", "its registry allows no more for now"),
    (PULL, 'Get "https://r.io/v2/": dial tcp 10.0.0.1:443: connect: connection refused', NO_ANSWER),
    (PULL, 'Get "https://r.io/v2/": dial tcp: lookup r.io on 10.0.0.2:53: no such host', NO_ANSWER),
    (PULL, 'Get "https://r.io/v2/": net/http: request canceled (Client.Timeout exceeded)', NO_ANSWER),
    (START, "Bind for 0.0.0.0:8080 failed: port is already allocated", PORT),
    (START, "Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use", PORT),
    (START, "failed to bind host port 0.0.0.0:8080/tcp: address already in use", PORT),
    (START, 'Conflict. The container name "/a" is already in use by container "0"', "a container that is not this"),
    (START, "no such service: web", ""),
    (PULL, "x509: certificate signed by unknown authority", ""),
]


@pytest.mark.parametrize(("by", "words", "cause"), SAID)
def test_the_cause_comes_before_dockers_own_words(by: tuple[str, ...], words: str, cause: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "APP": "orange"}
    command = ["bash", "-c", EXPLAINED, "bash", words, *by]

    said = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout

    assert said.startswith(cause)
    assert said.endswith(f": {words}" if cause else words)
    assert len(said) > len(cause) + len(words) or not cause
