"""Instances as containers, each with its own network and its own docker engine.

An instance is a container of the cloud's bridge network. The directory `instances/ID` of the cloud's state directory
is its /run/localcloud: unix sockets to the cloud's ports, the user data, and a directory for each script run.
Everything made here carries the cloud's label, so it can be found and removed when the cloud itself is gone.
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from localcloud import outputs
from localcloud.engine_command import EngineError, docker, last_words
from localcloud.runtime import Machine, Run, Script
from localcloud.runtime.docker_forward import METADATA, Forwarder, inside_configuration
from localcloud.runtime.docker_image import empty_image, lay_out_programs, mounts
from localcloud.runtime.docker_run import DockerRun, NoRun, exports

INSIDE = "/run/localcloud"
BOOT_PATIENCE = 60
"""Seconds for an instance's own engine to answer; it takes about two."""

# What the inner engine needs; `--privileged` would ask for more than a machine that is itself confined can give.
_CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "MKNOD", "SYS_CHROOT", "DAC_READ_SEARCH", "SYSLOG")
_CONFINEMENT = (
    *(f"--cap-add={capability}" for capability in _CAPABILITIES),
    *("--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"),
    *("--security-opt=systempaths=unconfined", "--device-cgroup-rule=a *:* rwm", "--cgroupns=private"),
)
_STORAGE = ("--tmpfs=/run:exec,mode=755", "--tmpfs=/tmp:exec,mode=1777", "--volume=/var/lib/docker")


def cloud_label(state_directory: Path) -> str:
    """The label on everything of the cloud that keeps its state there."""
    return f"localcloud.state={state_directory.resolve()}"


def _cloud_name(state_directory: Path) -> str:
    digest = hashlib.sha256(str(state_directory.resolve()).encode()).hexdigest()
    return f"localcloud-{digest[:10]}"


class DockerRuntime:
    """The machines of one cloud as containers: see localcloud.runtime.Runtime.

    `environment` is given to user data and to every script; `forwarded_ports` of this machine's loopback answer on
    every instance's loopback too. `engines`: folders with the programs of a docker engine, which the instances get in
    turn; those of this machine where there are none. Raises EngineError if the engine refuses.
    """

    name = "docker"

    def __init__(
        self,
        state_directory: Path,
        environment: Mapping[str, str],
        forwarded_ports: Sequence[int],
        engines: Sequence[Path] = (),
    ) -> None:
        self._state = state_directory.resolve()
        self._environment = dict(environment)
        self._ports = tuple(dict.fromkeys(forwarded_ports))
        self._cloud = _cloud_name(self._state)
        self._engines = itertools.cycle(engines)
        self._runs = itertools.count(1)
        self._closing = threading.Event()
        remove_leftovers(self._state)
        lay_out_programs(self._state / "programs")
        label = cloud_label(self._state)
        docker("network", "create", "--label", label, self._cloud)
        docker("import", "--change", f"LABEL {label}", "-", self._cloud, stdin=empty_image())
        self._forwarder = Forwarder()

    def boot(self, instance_id: str, user_data: str, metadata_port: int) -> Machine:
        shared = self._prepare(instance_id, user_data, metadata_port)
        container = self._container(instance_id)
        docker("run", *self._arguments(instance_id, shared), self._cloud, "/opt/localcloud/init")
        self._await_engine(container, shared)
        docker("exec", "--detach", container, "setsid", "/opt/localcloud/user-data")
        address = docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)
        return Machine(instance_id, address)

    def run(self, instance_id: str, script: Script) -> Run:
        name = f"runs/{next(self._runs)}"
        outside = self._shared(instance_id) / name
        try:
            return DockerRun(self._container(instance_id), outside, f"{INSIDE}/{name}", script, self._environment)
        except FileNotFoundError:
            return NoRun()

    def user_data_log(self, instance_id: str) -> str:
        said = "cat /var/log/cloud-init-output.log 2>/dev/null || true"  # there is none before it says something
        return docker("exec", self._container(instance_id), "sh", "-c", said)

    def terminate(self, instance_id: str) -> None:
        self._keep_console(instance_id)
        _remove_containers(f"name=^/{self._container(instance_id)}$")
        self._forwarder.shut(self._shared(instance_id))
        shutil.rmtree(self._shared(instance_id), ignore_errors=True)

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        for directory in (self._state / "instances").glob("*"):
            self._keep_console(directory.name)
        remove_leftovers(self._state)
        self._forwarder.close()

    def _keep_console(self, instance_id: str) -> None:
        if outputs.wanted():
            with suppress(EngineError):  # it was never there, or has died
                outputs.keep("consoles", self.user_data_log(instance_id))

    def _container(self, instance_id: str) -> str:
        return f"{self._cloud}-{instance_id}"

    def _shared(self, instance_id: str) -> Path:
        return self._state / "instances" / instance_id

    def _prepare(self, instance_id: str, user_data: str, metadata_port: int) -> Path:
        shared = self._shared(instance_id)
        shared.mkdir(parents=True, mode=0o700)
        (shared / "runs").mkdir()
        (shared / "environment").touch(mode=0o600)
        (shared / "environment").write_text(exports(self._environment))
        (shared / "user-data").write_text(user_data)
        for engine in itertools.islice(self._engines, 1):
            (shared / "engine").symlink_to(engine)
        (shared / "forward.cfg").write_text(inside_configuration(self._ports, INSIDE))
        sockets = {METADATA: metadata_port, **{f"{port}.sock": port for port in self._ports}}
        self._forwarder.open(shared, sockets)
        return shared

    def _arguments(self, instance_id: str, shared: Path) -> list[str]:
        return [
            *("--detach", "--name", self._container(instance_id), "--hostname", instance_id),
            *("--label", cloud_label(self._state), "--network", self._cloud, "--log-opt", "max-size=10m"),
            *_CONFINEMENT,
            *_STORAGE,
            *mounts(self._state / "programs"),
            f"--volume={shared}:{INSIDE}",
        ]

    def _await_engine(self, container: str, shared: Path) -> None:
        deadline = time.monotonic() + BOOT_PATIENCE
        for look in itertools.count(1):
            if (shared / "ready").exists():
                return
            # The file is cheap to look for; whether the machine died meanwhile is asked once a second.
            if time.monotonic() > deadline or (look % 20 == 0 and not _runs(container)):
                raise EngineError(f"the instance did not start:\n{last_words(container)}")
            if self._closing.wait(0.05):
                raise EngineError("the cloud is going down")


def _runs(container: str) -> bool:
    return docker("inspect", "--format", "{{.State.Running}}", container) == "true"


def remove_leftovers(state_directory: Path) -> None:
    """Removes every container, volume, network and image of the cloud that kept its state there.

    This is also how a cloud ends; after a crash it needs nothing of the process that is gone.
    """
    label = f"label={cloud_label(state_directory)}"
    _remove_containers(label)
    for network in docker("network", "ls", "--quiet", "--filter", label).split():
        docker("network", "rm", network)
    for image in docker("image", "ls", "--quiet", "--filter", label).split():
        docker("image", "rm", "--force", image)
    for place in ("instances", "programs"):
        shutil.rmtree(state_directory / place, ignore_errors=True)


def _remove_containers(condition: str) -> None:
    containers = docker("ps", "--all", "--quiet", "--filter", condition).split()
    if containers:
        docker("rm", "--force", "--volumes", *containers)
