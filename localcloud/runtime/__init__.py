"""What the cloud needs of whatever plays the machines: boot one, run a script in it, stop it.

Two runtimes keep this contract: `docker` (a container with its own network and its own engine) and `process`
(a private directory with a stand-in `docker`). The AWS side never knows which one it drives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What cloud-init and the SSM agent give to their scripts."""


@dataclass(frozen=True)
class Machine:
    """A booted instance, as the rest of the cloud reaches it."""

    instance_id: str
    address: str
    """Where the load balancer and its health checks find the instance's ports."""


@dataclass(frozen=True)
class Script:
    """One run of a shell script, as the SSM agent does it: `sh script`, as root, HOME not set."""

    text: str
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 3600
    """Seconds until the whole process group gets SIGKILL."""


@dataclass(frozen=True)
class Finished:
    """How a script ended. `exit_code` is None when it was killed by timeout, cancel or the machine's death."""

    exit_code: int | None
    stdout: str
    stderr: str


class Run(Protocol):
    """A script under way in a machine."""

    def wait(self) -> Finished:
        """Blocks until the script ends."""

    def kill(self) -> None:
        """SIGKILL to the whole process group, as SSM's cancel and timeout do; returns at once."""


class Runtime(Protocol):
    """The machines of one cloud."""

    name: str

    def boot(self, instance_id: str, user_data: str, metadata_port: int) -> Machine:
        """Starts a machine and returns once it can run scripts; its user data then runs in the background.

        `metadata_port`: the loopback (or bridge) port of this instance's own metadata service; inside the machine it
        is reachable as http://169.254.169.254, as on EC2.
        """

    def run(self, instance_id: str, script: Script) -> Run:
        """Starts a script in the machine as the SSM agent would."""

    def user_data_log(self, instance_id: str) -> str:
        """What the instance's user data has said so far; on EC2 the console shows it."""

    def terminate(self, instance_id: str) -> None:
        """Stops the machine and removes all it had. Unknown ids are ignored."""

    def close(self) -> None:
        """Terminates every machine and removes what the runtime itself made."""
