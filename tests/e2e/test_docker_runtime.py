"""Machines of the docker runtime, seen from the cloud that drives them and from the scripts that run in them."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from localcloud.engine import ensure_engine
from localcloud.engine_command import docker, engine_answers
from localcloud.load_balancer import LoadBalancer
from localcloud.registry import Registry
from localcloud.runtime import Finished, Machine, Script
from localcloud.runtime.docker import DockerRuntime, cloud_label, remove_leftovers
from tests.e2e.busybox_image import push_image
from tests.loopback_server import loopback_server
from tests.waiting import eventually

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(120)]

METADATA = "this is the metadata service"

USER_DATA = """\
#!/usr/bin/env bash
echo "hello from $(id --user --name), home=${HOME-unset}, region=${AWS_REGION}"
mkdir -p /opt/deployer && touch /opt/deployer/loader
"""

COMPOSE_FILE = """\
services:
  web:
    image: {image}
    ports: ["8080:8080"]
"""


@dataclass(frozen=True)
class Machines:
    """Two of them, and where they pull from."""

    runtime: DockerRuntime
    registry: Registry
    by_name: dict[str, Machine]

    def sh(self, text: str, instance_id: str = "i-one", **environment: str) -> Finished:
        return self.runtime.run(instance_id, Script(text, environment)).wait()


@pytest.fixture(scope="module")
def metadata() -> Iterator[int]:
    with loopback_server(lambda request: request.reply(200, METADATA)) as address:
        yield address.port


@pytest.fixture(scope="module")
def machines(metadata: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    # As deep as a checkout may lie: unix sockets must not depend on a short path.
    state = tmp_path_factory.mktemp("state") / ("deep" * 30)
    registry = Registry(state)
    registry.start()
    runtime = DockerRuntime(state, {"AWS_REGION": "eu-west-1"}, [registry.port])
    try:
        with ThreadPoolExecutor() as pool:
            machines = pool.map(lambda name: runtime.boot(name, USER_DATA, metadata), ["i-one", "i-two"])
        yield Machines(runtime, registry, {machine.instance_id: machine for machine in machines})
    finally:
        runtime.close()
        registry.stop()


def body_of(url: str) -> str:
    """What the page says, or why there is none: for waiting until it appears."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return str(answer.read().decode())
    except OSError as error:
        return f"{error}"


def processes_in(machines: Machines, argument: str) -> str:
    """Processes of the machine with that word in their command line; spelled so that grep does not find itself."""
    return machines.sh(f"grep -l '{argument[0]}[{argument[1]}]{argument[2:]}' /proc/[0-9]*/cmdline 2>/dev/null").stdout


def test_user_data_runs_at_boot_as_cloud_init_runs_it(machines: Machines) -> None:
    for name in machines.by_name:
        eventually("user data has ended", lambda: "exit code 0" in machines.runtime.user_data_log(name))  # noqa: B023
        assert machines.runtime.user_data_log(name).startswith("hello from root, home=unset, region=eu-west-1\n")
        assert machines.sh("test -e /opt/deployer/loader", name).exit_code == 0


def test_a_script_runs_as_the_ssm_agent_runs_it(machines: Machines) -> None:
    finished = machines.sh("env | sort; id -u >&2; hostname; exit 3", SSM_Version='it\'s "v1"\n$HOME')
    assert finished.exit_code == 3
    assert finished.stderr == "0\n"
    assert finished.stdout == (
        "$HOME\nAWS_REGION=eu-west-1\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        'PWD=/\nSSM_Version=it\'s "v1"\ni-one\n'
    )


def test_a_machine_has_the_programs_an_instance_has(machines: Machines) -> None:
    finished = machines.sh(
        "set -e; aws --version; docker compose version; curl --version; flock --version; awk 1 </dev/null"
    )
    assert finished.exit_code == 0, finished.stderr
    assert finished.stdout.startswith("aws-cli/")


def test_each_machine_has_an_engine_of_its_own(machines: Machines) -> None:
    engines = {machines.sh("docker info --format '{{.ID}}'", name).stdout.strip() for name in machines.by_name}
    assert len(engines | {docker("info", "--format", "{{.ID}}")}) == 3


def test_a_killed_script_takes_its_children_along(machines: Machines) -> None:
    run = machines.runtime.run("i-one", Script("echo started; sleep 4321 & sh -c 'sleep 4321; true'"))
    eventually("the script runs", lambda: len(processes_in(machines, "4321").split()) >= 3)
    run.kill()
    assert run.wait() == Finished(None, "started\n", "")
    assert processes_in(machines, "4321") == ""
    assert run.wait() == Finished(None, "started\n", "")


def test_a_script_killed_the_moment_it_starts_ends(machines: Machines) -> None:
    run = machines.runtime.run("i-one", Script("sleep 4322"))
    run.kill()
    assert run.wait().exit_code is None
    assert processes_in(machines, "4322") == ""


def test_a_script_past_its_timeout_is_killed(machines: Machines) -> None:
    finished = machines.runtime.run("i-one", Script("echo begun; sleep 4323", timeout=1)).wait()
    assert finished == Finished(None, "begun\n", "")
    assert processes_in(machines, "4323") == ""


def test_killing_a_script_that_has_ended_changes_nothing(machines: Machines) -> None:
    run = machines.runtime.run("i-one", Script("exit 7"))
    assert run.wait().exit_code == 7
    run.kill()
    assert run.wait().exit_code == 7


def test_the_metadata_service_answers_at_its_address(machines: Machines) -> None:
    assert machines.sh("curl -sS --max-time 5 http://169.254.169.254/latest/meta-data").stdout == METADATA


def test_an_application_pulled_by_digest_serves_through_the_load_balancer(machines: Machines, tmp_path: Path) -> None:
    image = push_image(machines.registry.address, "orange:v1", "orange v1", tmp_path / "image")
    up = f"mkdir -p /srv/app && cd /srv/app && cat >compose.yml <<'END'\n{COMPOSE_FILE.format(image=image)}END\n"
    balancer = LoadBalancer(tmp_path)
    balancer.start()
    try:
        for name in machines.by_name:
            finished = machines.sh(f"{up}docker pull -q {image} && docker compose -p orange up -d --no-build", name)
            assert finished.exit_code == 0, finished.stderr
        for machine in machines.by_name.values():
            url = f"http://{machine.address}:8080/"
            eventually(f"{url} answers", lambda: body_of(url) == "orange v1")  # noqa: B023
        from_inside = "exec -T web /bin/busybox wget -qO- http://169.254.169.254/"
        assert machines.sh(f"cd /srv/app && docker compose -p orange {from_inside}").stdout == METADATA
        balancer.follow([(machine.address, 8080) for machine in machines.by_name.values()])
        assert [body_of(balancer.url) for _ in range(4)] == ["orange v1"] * 4
    finally:
        balancer.stop()


def test_a_terminated_machine_ends_its_script_and_leaves_nothing(machines: Machines, metadata: int) -> None:
    before = set(docker("volume", "ls", "--quiet").split())
    machines.runtime.boot("i-short", "#!/bin/sh\n", metadata)
    run = machines.runtime.run("i-short", Script("echo up; sleep 600"))
    machines.runtime.terminate("i-short")
    assert run.wait().exit_code is None
    assert "i-short" not in docker("ps", "--all", "--format", "{{.Names}}")
    assert set(docker("volume", "ls", "--quiet").split()) <= before


def test_a_script_in_a_machine_that_is_gone_ends_as_if_killed(machines: Machines) -> None:
    assert machines.sh("echo hello", "i-gone") == Finished(None, "", "")


def test_terminating_an_unknown_machine_is_ignored(machines: Machines) -> None:
    machines.runtime.terminate("i-unknown")


def test_machines_boot_at_once_without_meeting(machines: Machines, metadata: int) -> None:
    names = [f"i-{number}" for number in range(3)]
    started = time.monotonic()
    with ThreadPoolExecutor() as pool:
        booted = list(pool.map(lambda name: machines.runtime.boot(name, "#!/bin/sh\n", metadata), names))
    assert time.monotonic() - started < 60
    assert len({each.address for each in [*booted, *machines.by_name.values()]}) == 5
    assert [machines.sh("hostname", name).stdout for name in names] == [f"{name}\n" for name in names]
    for name in names:
        machines.runtime.terminate(name)


def whats_left_of(state: Path) -> list[str]:
    label = f"label={cloud_label(state)}"
    kinds = (["ps", "--all"], ["network", "ls"], ["image", "ls"])
    return [line for kind in kinds for line in docker(*kind, "--quiet", "--filter", label).split()]


def test_nothing_is_left_of_a_closed_cloud(metadata: int, tmp_path: Path) -> None:
    volumes, mounts = docker("volume", "ls", "--quiet"), Path("/proc/self/mounts").read_text()
    runtime = DockerRuntime(tmp_path, {}, [])
    runtime.boot("i-one", "#!/bin/sh\nsleep 600\n", metadata)
    assert len(whats_left_of(tmp_path)) == 3
    runtime.close()
    runtime.close()
    assert whats_left_of(tmp_path) == []
    assert docker("volume", "ls", "--quiet") == volumes
    assert Path("/proc/self/mounts").read_text() == mounts
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_cloud_left_is_removed_by_its_label(tmp_path: Path) -> None:
    body = "import sys, os; from pathlib import Path; from localcloud.runtime.docker import DockerRuntime\n"
    body += "DockerRuntime(Path(sys.argv[1]), {}, []).boot('i-one', '', 9); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", body, str(tmp_path)], check=False)
    assert len(whats_left_of(tmp_path)) == 3
    remove_leftovers(tmp_path)
    assert whats_left_of(tmp_path) == []


def test_an_engine_in_use_outlives_those_who_leave_first(tmp_path: Path) -> None:
    another = ensure_engine(tmp_path)
    another.close()
    another.close()
    assert engine_answers()
