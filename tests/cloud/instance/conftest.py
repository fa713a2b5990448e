from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from moto.server import ThreadedMotoServer

from localcloud.runtime.process import ProcessRuntime
from localcloud.runtime.process_image import push
from localcloud.runtime.process_registry import ProcessRegistry
from tests.cloud.instance.bench import BUCKET, DOTENV, INSTANCE, PARAMETER, Bench

NO_METADATA = 9  # discard: nothing listens


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The endpoint URL of moto's server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def registry() -> Iterator[ProcessRegistry]:
    registry = ProcessRegistry()
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture
def bench(aws: str, registry: ProcessRegistry, tmp_path: Path) -> Iterator[Bench]:
    """An instance that booted without user data, an empty bucket, and the application's environment."""
    requests.post(f"{aws}/moto-api/reset", timeout=10).raise_for_status()
    environment = {
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-west-1",
        "REGISTRY": registry.address,
    }
    runtime = ProcessRuntime(tmp_path, environment, ())
    machine = runtime.boot(INSTANCE, "#!/bin/sh\n", NO_METADATA)
    promtail = push(registry.address, "grafana/promtail", "3").partition("/")[2]
    bench = Bench(aws, registry, runtime, machine.address, promtail)
    bench.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    bench.ssm.put_parameter(Name=PARAMETER, Value=DOTENV, Type="SecureString")
    yield bench
    runtime.close()
