"""Whatever a value in Parameter Store holds, a real container is given the same bytes, by either compose.

Parameter Store (moto's), the AWS CLI, `activate`'s own functions, compose and the engine do their part each, and the
container says what it got. All values of a kind go at once, so that a container is started only once for them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from deployer.instance_files import activate
from localcloud.engine_command import docker, search_path
from tests.cloud.moto import moto_server
from tests.e2e.environment_cases import NAMES, ONE_LINE, SEVERAL_LINES, numbered

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(180)]

# Without its last line `activate` only defines its functions.
FUNCTIONS = activate().removesuffix('main "${1:-}"\n')
READ = 'recall; find_compose; open_release v1; mkdir -p "${private}"; read_environment || finish failed "${problem}"; '
KEEP = 'mv -f "${environment}.new" "${environment}"; link_environment; '
UP = 'compose up -d --no-build --remove-orphans || finish failed "${problem}"; containers'
DOWN = 'find_compose; open_release v1; compose down --remove-orphans || finish failed "${problem}"'
SHOWN = ["/bin/busybox", "cp", "/proc/self/environ", "/out/environ"]


@dataclass(frozen=True)
class Host:
    """A directory in which `activate` finds itself on an instance that has this compose and this awk."""

    root: Path
    app: str
    variables: Mapping[str, str]

    def publish(self, image: str, parameters: str) -> None:
        """The files of a release that shows its environment."""
        release = self.root / "var/lib/deployer" / self.app / "releases/v1"
        (release / "files").mkdir(parents=True)
        (self.root / "out").mkdir()
        volumes = [f"{self.root}/out:/out"]
        service = {"image": image, "env_file": ["../.env"], "volumes": volumes, "command": SHOWN}
        compose = {"version": "3.8", "services": {"app": service}}
        (release / "files/docker-compose.yml").write_text(json.dumps(compose))
        manifest = {
            "environment": {"parameters": parameters, "file": "../.env"},
            "compose": ["docker-compose.yml"],
            "files": [{"path": "docker-compose.yml"}],
        }
        (release / "release.json").write_text(json.dumps(manifest, indent=2))

    def sh(self, script: str) -> subprocess.CompletedProcess[str]:
        """What `activate`'s functions do with it."""
        command = ["bash", "-c", FUNCTIONS + script]
        return subprocess.run(command, env=self.variables, capture_output=True, text=True, check=False)

    def environment(self) -> bytes:
        """What is written for compose."""
        return (self.root / "run/deployer" / self.app / "v1.env").read_bytes()


class Account:
    """Parameter Store, and an image for every container."""

    def __init__(self, endpoint: str, image: str) -> None:
        self.image = image
        self.access = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
        self._ssm: Any = boto3.client(
            "ssm",
            endpoint_url=endpoint,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def put(self, name: str, value: str) -> None:
        self._ssm.put_parameter(Name=name, Value=value, Type="SecureString", Tier="Advanced", Overwrite=True)

    def host(self, root: Path, parameters: str, compose: str = "v2", **programs: str) -> Host:
        """A host with that compose only; `programs` stand in front of its others: name to a line of sh."""
        front = root / "bin"
        front.mkdir(parents=True)
        if compose == "v1":
            programs["docker"] = f'[ "$1" != compose ] && exec {shutil.which("docker")} "$@"; exit 1'
        for name, line in programs.items():
            (front / name).write_text(f"#!/bin/sh\n{line}\n")
            (front / name).chmod(0o755)
        path = f"{front}:{Path(sys.prefix) / 'bin'}:{search_path()}"
        # as the loader sets them; the app's name is the project's, and the engine is shared with other tests
        app = f"environment-{uuid.uuid4().hex[:12]}"
        variables = {"PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8", "APP": app, "DEPLOYER_ROOT": str(root)}
        host = Host(root, app, {**variables, **self.access})
        host.publish(self.image, parameters)
        return host


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    busybox = shutil.which("busybox", path=search_path())
    assert busybox, "busybox-static is not installed: run localcloud/install"
    directory, image = tmp_path_factory.mktemp("image"), f"shows-its-environment:{os.getpid()}"
    shutil.copy(busybox, directory / "busybox")
    (directory / "Dockerfile").write_text("FROM scratch\nCOPY busybox /bin/busybox\n")
    docker("build", "--quiet", "--tag", image, str(directory))
    with moto_server() as endpoint:
        yield Account(endpoint, image)
    docker("image", "rm", "--force", image)


@pytest.fixture(params=["v1", "v2"])
def compose(request: pytest.FixtureRequest) -> str:
    """Either compose; one that is not there is a failure, never a skip."""
    command = ["docker-compose"] if request.param == "v1" else ["docker", "compose"]
    if not shutil.which(command[0]):
        pytest.fail(f"compose {request.param} is missing: run localcloud/install; only Debian 12 and Ubuntu have v1")
    version = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False).stdout
    if version.lstrip("v")[:2] != f"{request.param[1:]}.":
        pytest.fail(f"`{' '.join(command)}` is {version.strip() or 'not there'}, and compose {request.param} is wanted")
    return str(request.param)


def given(host: Host) -> dict[str, str]:
    """The environment the container has, variable by variable."""
    started = host.sh(READ + KEEP + UP)
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        assert docker("wait", started.stdout.split()[-1]) == "0"
        shown = (host.root / "out/environ").read_bytes()
    finally:
        host.sh(DOWN)
    pairs = (each.partition(b"=") for each in shown.split(b"\0") if each)
    return {name.decode(): value.decode() for name, _, value in pairs}


def lacking(wanted: Mapping[str, str], found: Mapping[str, str]) -> dict[str, tuple[str, str | None]]:
    """The variables that did not arrive as they were."""
    return {name: (value, found.get(name)) for name, value in wanted.items() if found.get(name) != value}


def put_path(account: Account, path: str, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        if value:  # a parameter has at least one character
            account.put(path + name, value)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_env_file_in_one_parameter(account: Account, tmp_path: Path, compose: str, line_end: str) -> None:
    wanted = numbered(ONE_LINE) | dict.fromkeys(NAMES, "named")
    lines = ["\ufeffFIRST=1", "# a comment", "", "  # another", *(f"{name}={value}" for name, value in wanted.items())]
    account.put("/whole/env", line_end.join([*lines, "", "TWICE=first", "export TWICE=last", ""]))

    found = given(account.host(tmp_path, "/whole/env", compose))

    assert lacking({**wanted, "FIRST": "1", "TWICE": "last"}, found) == {}


def test_a_path_of_parameters(account: Account, tmp_path: Path, compose: str) -> None:
    wanted = numbered((*ONE_LINE, *SEVERAL_LINES)) | dict.fromkeys(NAMES, "named")
    put_path(account, "/path/env/", wanted)

    found = given(account.host(tmp_path, "/path/env/", compose))

    assert lacking({name: value for name, value in wanted.items() if value}, found) == {}


@pytest.mark.parametrize("parameters", ["/awk/env", "/awk/env/"])
def test_every_awk_makes_the_same_of_it(account: Account, tmp_path: Path, parameters: str) -> None:
    values = numbered((*ONE_LINE, *(SEVERAL_LINES if parameters.endswith("/") else ())))
    put_path(account, "/awk/env/", values)
    account.put("/awk/env", "".join(f"{name}={value}\n" for name, value in values.items()))
    written = []
    for name, line in {"own": "", "busybox": f'exec {shutil.which("busybox", path=search_path())} awk "$@"'}.items():
        host = account.host(tmp_path / name, parameters, **({"awk": line} if line else {}))
        done = host.sh(READ + KEEP)
        assert done.returncode == 0, done.stdout + done.stderr
        written.append(host.environment())
    assert written[0].count(b"\n") >= len(ONE_LINE) - 1
    assert written[0] == written[1]


def test_whatever_a_value_holds_it_is_redacted(account: Account, tmp_path: Path, compose: str) -> None:
    values = numbered((*ONE_LINE, *SEVERAL_LINES))
    put_path(account, "/redacted/env/", values)
    host = account.host(tmp_path, "/redacted/env/", compose)
    lines = [line for value in values.values() for line in value.replace("\r", "\n").split("\n") if len(line) >= 4]
    (tmp_path / "out/said").write_text("".join(f"it is {line} is it\n" for line in lines))

    done = host.sh(READ + KEEP + 'redact <"${root}/out/said"')

    said = done.stdout.removesuffix("\n").split("\n")
    assert len(said) == len(lines), done.stderr
    assert [line for line, shown in zip(lines, said, strict=True) if "***" not in shown or line in shown] == []
