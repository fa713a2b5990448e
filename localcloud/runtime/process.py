"""Instances as private directories: the same scripts as on EC2, with a stand-in for `docker`.

An instance is `instances/ID` of the cloud's state directory: its own root (DEPLOYER_ROOT), its own loopback address,
and a `bin` that comes first in PATH. Nothing outside is written. It needs Linux: the whole of 127/8 is loopback there,
and /proc tells which processes belong to an instance.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from localcloud.outputs import keep, noting
from localcloud.runtime import PATH, Machine, Run, Script, process_call
from localcloud.runtime.process_behaviour import SICK
from localcloud.runtime.process_run import ProcessRun, kill_everything, start_detached

_REPOSITORY = Path(__file__).resolve().parent.parent.parent

_DOCKER = """\
#!/bin/sh
export PYTHONPATH={repository} DEPLOYER_ROOT={instance}/root
exec {python} -I -S {call} {socket} localcloud.runtime.process_docker {instance} "$@"
"""

_NO_COMPOSE_V1 = """\
#!/bin/sh
exit 127
"""
"""In place of this machine's own, which would reach this machine's engine."""

_CURL = """\
#!/bin/sh
exec {curl} --connect-to localhost::{address}: --connect-to 127.0.0.1::{address}: \\
  --connect-to 169.254.169.254:80:127.0.0.1:{metadata_port} "$@"
"""

_AWS = """\
#!/bin/sh
export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:{metadata_port}
exec {python} -I -S {call} {socket} awscli "$@"
"""


_WARM_PROGRAMS = "programs.sock"


class ProcessRuntime:
    """The machines of one cloud as processes: see localcloud.runtime.Runtime.

    `environment` is given to user data and to every script; its REGISTRY (HOST:PORT), if any, also serves image names
    without a registry, as a mirror of Docker Hub would. `forwarded_ports` are on the same loopback already.
    """

    name = "process"

    def __init__(self, state_directory: Path, environment: Mapping[str, str], forwarded_ports: Sequence[int]) -> None:
        del forwarded_ports
        self._instances = state_directory.resolve() / "instances"
        self._environment = dict(environment)
        self._addresses = _Addresses(self._instances)
        self._lock = threading.Lock()
        self._machines: dict[str, Machine] = {}
        self._remove_leftovers()
        self._instances.mkdir(parents=True)
        self._warm_programs = _start_warm_programs(self._instances)

    def boot(self, instance_id: str, user_data: str, metadata_port: int) -> Machine:
        with self._lock:
            machine = Machine(instance_id, self._addresses.free({each.address for each in self._machines.values()}))
            self._machines[instance_id] = machine
        directory = self._directory(instance_id)
        _lay_out(directory, machine.address, metadata_port, self._environment.get("REGISTRY", ""))
        script = directory / "user-data"
        script.write_text(user_data)
        script.chmod(0o700)
        start_detached([str(script)], self._environment_of(instance_id), directory, _user_data_log(directory))
        return machine

    def run(self, instance_id: str, script: Script) -> Run:
        directory = self._directory(instance_id)
        return ProcessRun(directory, script, {**self._environment_of(instance_id), **script.environment})

    def user_data_log(self, instance_id: str) -> str:
        return _user_data_log(self._directory(instance_id)).read_text(errors="replace")

    def root(self, instance_id: str) -> Path:
        """The instance's own root directory."""
        return self._directory(instance_id) / "root"

    def sicken(self, instance_id: str) -> None:
        """From the next request on, every container of the instance answers 503."""
        (self._directory(instance_id) / SICK).touch()

    def heal(self, instance_id: str) -> None:
        """The containers answer as their images say."""
        (self._directory(instance_id) / SICK).unlink(missing_ok=True)

    def terminate(self, instance_id: str) -> None:
        if (log := _user_data_log(self._directory(instance_id))).exists():
            keep("consoles", log.read_text(errors="replace"))
        _remove(self._directory(instance_id))
        with self._lock:
            self._machines.pop(instance_id, None)

    def close(self) -> None:
        for instance_id in list(self._machines):
            self.terminate(instance_id)
        self._warm_programs.communicate()  # it ends when its standard input does
        self._remove_leftovers()

    def _directory(self, instance_id: str) -> Path:
        return self._instances / instance_id

    def _remove_leftovers(self) -> None:
        """Also what a cloud that died left in the same state directory."""
        for directory in self._instances.glob("*/"):
            _remove(directory)
        shutil.rmtree(self._instances, ignore_errors=True)

    def _environment_of(self, instance_id: str) -> dict[str, str]:
        directory = self._directory(instance_id)
        return {**self._environment, "PATH": f"{directory / 'bin'}:{PATH}", "DEPLOYER_ROOT": str(directory / "root")}


class _Addresses:
    """Loopback addresses 127.a.b.1 to 127.a.b.254; a and b are the cloud's own, so that clouds do not meet."""

    def __init__(self, instances: Path) -> None:
        digest = hashlib.sha256(str(instances).encode()).digest()
        self._network = f"127.{1 + digest[0] % 254}.{digest[1]}"
        self._last = 0

    def free(self, taken: set[str]) -> str:
        for _ in range(254):
            self._last = self._last % 254 + 1
            address = f"{self._network}.{self._last}"
            if address not in taken:
                return address
        raise RuntimeError("a cloud of processes has room for 254 instances")


def _lay_out(directory: Path, address: str, metadata_port: int, registry: str) -> None:
    for name in ("root/run/lock", "root/var/log", "bin", "runs", "containers", "images"):
        (directory / name).mkdir(parents=True, mode=0o700)
    (directory / "machine.json").write_text(json.dumps({"address": address, "registry": registry}))
    curl = shutil.which("curl", path=PATH)
    if curl is None:
        raise RuntimeError("the process runtime needs curl: apt-get install curl, dnf install curl")
    _program(directory, "curl", _CURL, curl=curl, address=address, metadata_port=metadata_port)
    call = {"python": sys.executable, "call": process_call.__file__, "socket": directory.parent / _WARM_PROGRAMS}
    _program(directory, "docker", _DOCKER, repository=_REPOSITORY, instance=directory, **call)
    _program(directory, "docker-compose", _NO_COMPOSE_V1)
    _program(directory, "aws", _AWS, metadata_port=metadata_port, **call)


def _start_warm_programs(instances: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "localcloud.runtime.process_programs", str(instances / _WARM_PROGRAMS)]
    environment = {"PATH": PATH, "PYTHONPATH": str(_REPOSITORY)}
    return subprocess.Popen(command, env=environment, cwd="/", stdin=subprocess.PIPE, start_new_session=True)


def _program(directory: Path, name: str, template: str, **values: object) -> None:
    program = directory / "bin" / name
    text = template.format(**{key: shlex.quote(str(value)) for key, value in values.items()})
    program.write_text(text.replace("\n", f"\n{noting('calls')}\n", 1))
    program.chmod(0o755)


def _user_data_log(directory: Path) -> Path:
    return directory / "root/var/log/cloud-init-output.log"


def _remove(directory: Path) -> None:
    kill_everything(directory)
    shutil.rmtree(directory, ignore_errors=True)
