"""A release that does not get healthy while nobody can be reached: the one before comes back from what is here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.real_instance import ANSWERS_404, RealInstance, instance_and_registry

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(180)]

LONGEST = 10
"""Seconds, on a busy machine; a second or two on one that has nothing else to do."""

# From the moment containers are touched, S3, Parameter Store and the registry are out of reach: their sockets are gone.
CUTTING_DOCKER = """\
#!/bin/sh
case "$*" in *" up "*) rm -f /run/localcloud/[0-9]*.sock && date +%s.%N >>/run/localcloud/ups ;; esac
exec /usr/bin/docker "$@"
"""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[RealInstance]:
    with instance_and_registry(tmp_path) as instance:
        yield instance


def set_greeting(instance: RealInstance, greeting: str) -> None:
    value = f"GREETING={greeting}\n"
    instance.ssm.put_parameter(Name="/greeting/env", Value=value, Type="SecureString", Overwrite=True)


def test_the_release_before_comes_back_in_seconds(
    instance: RealInstance, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, service = ("--parameters", "/greeting/env", "--health-timeout", "3s"), {"env_file": ".env"}
    set_greeting(instance, "old")
    assert instance.activate(instance.publish("v1", service=service, words=words)).outcome == "activated"
    set_greeting(instance, "new")
    broken = instance.publish("v2", instance.image("v2", ANSWERS_404), service, words)
    docker = tmp_path / "programs" / "docker"
    docker.write_text(CUTTING_DOCKER)
    docker.chmod(0o755)

    marker = instance.activate(broken)

    ended = time.time()
    _, back = (float(line) for line in instance.says("cat /run/localcloud/ups").split())
    assert (marker.outcome, marker.version) == ("restored", "v1")
    assert "v2 is not healthy: http://localhost:8080/ answered 404 instead of 200" in marker.reason
    assert instance.page() == "v1"
    assert "GREETING=old" in instance.says("docker inspect --format '{{.Config.Env}}' $(docker ps --quiet)")
    assert instance.sh("AWS_MAX_ATTEMPTS=1 aws s3api list-buckets").exit_code != 0
    assert ended - back < LONGEST
    with capsys.disabled():
        print(f"\nthe release before runs again {ended - back:.1f} s after the new one was given up")  # noqa: T201
