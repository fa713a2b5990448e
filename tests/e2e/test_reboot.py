"""An instance boots again: its containers and its tmpfs are gone, its disk is not, and the unit's command runs."""

from __future__ import annotations

import configparser
import hashlib
from collections.abc import Iterator

import pytest

from deployer.core.marker import Marker, find_marker
from localcloud.cloud import Cloud
from localcloud.engine import Engine
from localcloud.faults import Asked
from localcloud.options import CloudOptions
from localcloud.runtime import Finished, Script
from tests.cloud.client import client_of
from tests.cloud.delivery import COMPOSE, Delivery
from tests.e2e.busybox_image import push_image
from tests.e2e.real_instance import START_ENGINE, STOP_ENGINE
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(300)
UNIT = "/etc/systemd/system/deployer-boot.service"
IMPATIENT = {"PATIENCE": "0"}
STOP_CONTAINERS = "docker stop $(docker ps -q) >/dev/null"
"""An engine with `live-restore` leaves them when it ends; a machine that goes down does not."""
REBOOT = f"{STOP_CONTAINERS}\n{STOP_ENGINE}\nrm -rf /run/deployer /run/lock/deployer-*\n{START_ENGINE}"


class Host:
    """The one instance of a group, which booted from the launch template's user data."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        [self.identity] = delivery.in_service()

    def sh(self, text: str, **environment: str) -> Finished:
        return self.delivery.cloud.runtime.run(self.identity, Script(text, environment)).wait()

    def reboot(self) -> None:
        done = self.sh(REBOOT)
        assert done.exit_code == 0, done.stderr

    def start_unit(self, **more: str) -> tuple[Marker, str]:
        """Runs what systemd would: the unit's command with nothing but what the unit names in its environment."""
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(self.sh(f"cat {UNIT}").stdout)
        named = self.sh(f"cat {unit['Service']['EnvironmentFile']}").stdout.splitlines()
        done = self.sh(f"exec {unit['Service']['ExecStart']}", **dict(line.split("=", 1) for line in named), **more)
        marker = find_marker(done.stdout)
        assert marker is not None, done
        assert (done.exit_code == 0) == (marker.outcome in ("activated", "unchanged")), "systemd tries again by it"
        return marker, done.stdout

    def manifest_sha256(self, version: str) -> str:
        options = self.delivery.cloud.options
        key = f"{options.app}/releases/{version}/release.json"
        stored = client_of(self.delivery.cloud, "s3").get_object(Bucket=options.bucket, Key=key)
        return hashlib.sha256(stored["Body"].read()).hexdigest()

    def page(self) -> str:
        return self.sh("curl -s http://localhost:8080/").stdout.strip()


@pytest.fixture(scope="module")
def host(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """On v1, which is desired."""
    del engine

    def push(registry: str, version: str, healthy: bool) -> str:
        assert healthy
        return push_image(registry, f"web:{version}", f"orange {version}\n", tmp_path_factory.mktemp("image") / version)

    with Cloud(CloudOptions(tmp_path_factory.mktemp("cloud"), instances=1, runtime="docker")) as cloud:
        delivery = Delivery(cloud, tmp_path_factory.mktemp("application"), push)
        delivery.bring_to("v1")
        yield Host(delivery)


def test_the_release_that_is_desired_runs_again_with_its_environment(host: Host) -> None:
    host.reboot()
    assert host.page() == ""

    marker, _ = host.start_unit()

    assert (marker.outcome, marker.version) == ("activated", "v1")
    assert host.page() == "orange v1"
    given = host.sh("docker exec $(docker ps -q) /bin/busybox env | grep ^GREETING=").stdout
    assert f"GREETING={host.delivery.cloud.options.dotenv['GREETING']}" in given


def test_what_ran_last_runs_again_while_s3_is_away_and_nothing_is_fetched(host: Host) -> None:
    host.reboot()
    host.delivery.cloud.inject(Asked("throttling", operation="s3", seconds=600))

    try:
        marker, said = host.start_unit(**IMPATIENT)
    finally:
        host.delivery.cloud.inject(Asked("throttling", clear=True))

    assert (marker.outcome, marker.version) == ("activated", "v1")
    assert "desired.json cannot be read: AWS is asked too often" in said
    assert "staying with v1" in said
    assert host.page() == "orange v1"


def test_without_its_parameters_nothing_starts_and_the_next_try_brings_it_back(host: Host) -> None:
    host.reboot()
    host.delivery.cloud.inject(Asked("throttling", operation="ssm:GetParameter", seconds=600))

    try:
        failed, _ = host.start_unit(**IMPATIENT)
    finally:
        host.delivery.cloud.inject(Asked("throttling", clear=True))

    assert failed.outcome == "failed"
    assert "parameters /orange/env cannot be read: AWS is asked too often" in failed.reason
    assert host.page() == ""
    marker, _ = host.start_unit()
    assert (marker.outcome, marker.version) == ("activated", "v1")
    assert host.page() == "orange v1"


def test_what_became_desired_while_it_was_off_is_what_it_boots(host: Host) -> None:
    host.delivery.publish("v2")
    desired = host.delivery.document("desired.json")
    manifest = host.manifest_sha256("v2")
    host.reboot()
    newer = {"generation": desired["generation"] + 1, "version": "v2", "manifest_sha256": manifest}
    host.delivery.write("desired.json", {**desired, **newer})

    marker, _ = host.start_unit()

    assert marker.proves("v2", manifest, desired["generation"] + 1)
    assert host.page() == "orange v2"


def test_containers_that_docker_starts_by_itself_serve_before_the_unit_and_are_left_alone_by_it(host: Host) -> None:
    compose = host.delivery.folder / "docker-compose.yml"
    compose.write_text(COMPOSE + "    restart: always\n")
    host.delivery.bring_to("v3")
    before = host.sh("docker ps -q").stdout

    host.reboot()

    eventually("docker has started it", lambda: host.page() == "orange v3")
    marker, _ = host.start_unit()
    assert (marker.outcome, marker.version) == ("activated", "v3")
    assert host.sh("docker ps -q").stdout == before
