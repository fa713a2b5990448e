"""What `publish` refuses before anything is touched, and how it ends when it is stopped."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from deployer.core.errors import EXIT_BAD_INPUT, EXIT_FAILED
from tests.cloud.publish.checkouts import ORANGE, objects, publish
from tests.cloud.registry_stub import RegistryStub
from tests.loopback_server import Request, loopback_server


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"app": "a/b"}, "a/b"),
        ({"bucket": "s3://releases"}, "s3://releases"),
        ({"bucket": "Releases"}, "Releases"),
        ({"version": "a b"}, "a b"),
        ({"version": ""}, "version"),
        ({"images": ""}, "spring_server"),
        ({"images": f"web={ORANGE}"}, "web"),
        ({"images": "spring_server=team/orange:v1"}, "spring_server=team/orange:v1"),
        ({"compose_files": "none.yml"}, "none.yml"),
        ({"files": "none"}, "none"),
        ({"environment_file": ".env"}, "../.env"),
        ({"registry_credentials": "/orange/dockerhub"}, "docker.io=/orange/dockerhub"),
        ({"registry_credentials": "https://ghcr.io=/login"}, "https://ghcr.io=/login"),
        ({"registry_credentials": "hub=/login"}, "hub=/login"),
        ({"registry_credentials": "ghcr.io=/a b"}, "ghcr.io=/a b"),
        ({"registry_credentials": "ghcr.io=/a,ghcr.io=/b"}, "ghcr.io twice"),
        ({"registry_credentials": ",".join(f"r{each}.io=/r{each}" for each in range(11))}, "more than 10"),
        ({"parameters": "/orange/*"}, "/orange/*"),
        ({"parameters": "/orange/env:latest"}, "/orange/env:latest"),
        ({"health_check": "localhost:8080"}, "localhost:8080"),
        ({"health_check": "http://[bad url"}, "bad url"),
        ({"health_status": "99"}, "99"),
        ({"health_timeout": "0s"}, "health-timeout"),
        ({"health_timeout": "soon"}, "soon"),
        ({"pin_images": "maybe"}, "maybe"),
        ({"aws_region": "nowhere"}, "nowhere"),
    ],
)
def test_bad_input_is_refused_before_anything_is_touched(
    s3: Any, capsys: pytest.CaptureFixture[str], changes: dict[str, str], named: str
) -> None:
    assert publish(None, **changes) == EXIT_BAD_INPUT
    answer = json.loads(capsys.readouterr().out)
    assert named in answer["error"] + answer["fix"]
    assert objects(s3) == {}


def test_compose_file_that_is_not_yaml_is_refused_with_its_line(
    s3: Any, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "docker-compose.yml").write_text("services:\n  web:\n\timage: a\n")
    assert publish() == EXIT_BAD_INPUT
    assert "docker-compose.yml:3: not YAML" in json.loads(capsys.readouterr().out)["error"]
    assert objects(s3) == {}


@pytest.mark.usefixtures("checkout")
def test_image_that_does_not_exist_is_refused_before_anything_is_touched(
    s3: Any, registry: RegistryStub, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.objects.clear()
    assert publish() == EXIT_BAD_INPUT
    assert "grafana/promtail:latest" in json.loads(capsys.readouterr().out)["error"]
    assert objects(s3) == {}


@pytest.mark.usefixtures("checkout", "s3")
def test_missing_bucket_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert publish(bucket="no-such-bucket") == EXIT_FAILED
    assert "s3://no-such-bucket" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.usefixtures("checkout", "s3")
def test_job_that_is_cancelled_while_aws_is_slow_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def answer(request: Request) -> None:
        seen.append(request.path)
        os.kill(os.getpid(), signal.SIGTERM)
        with suppress(OSError):  # nobody waits for it any more
            request.reply(503, "")

    with loopback_server(answer) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address.url)
        assert publish() == 128 + signal.SIGTERM
    assert len(seen) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "stopped by SIGTERM"
