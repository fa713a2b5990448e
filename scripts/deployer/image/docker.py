"""The docker command: its answers, its output line by line, and a login that leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployer.core.errors import Refused
from deployer.image.reference import DOCKER_HUB, login_server

NO_DOCKER = "use a runner with docker and buildx (ubuntu-latest has both), or install them: https://docs.docker.com/engine/install"
_NOT_LET_IN = (
    r"(pull|push) access denied|access to the resource is denied|(?<!ermission )denied: |unauthorized: |"
    r"no basic auth credentials|insufficient_scope|failed to authorize|"
    r"unexpected status\b.{0,300}?: 40[13] (Unauthorized|Forbidden)"
)
"""In a registry's words, or docker's about one: what a build itself runs may be denied much else."""
KEPT_LINES = 20
"""Of what docker printed last: the line that says why is not always the last one."""
NO_LOGIN = (
    "check registry-username, registry-password and the registry's name; Docker Hub and GHCR take an access token as "
    "password, ECR neither of them but a role with ecr:GetAuthorizationToken"
)


class Docker:
    """docker, run in one environment; the secrets are in there and never in the command line."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def check(self) -> None:
        """Raises Refused where the command or the engine is missing."""
        self.answer(["version", "--format", "{{.Server.Version}}"], "the docker engine does not answer")

    def has_buildx(self) -> bool:
        """Whether the plugin is there; without it docker has its plain builder only."""
        try:
            self.answer(["buildx", "version"], "docker has no buildx")
        except Refused:
            return False
        return True

    def using(self, builder: str) -> Docker:
        """The same docker, building with one of buildx's builders."""
        return Docker({**self._environment, "BUILDX_BUILDER": builder})

    def stream(self, words: Sequence[str], say: Callable[[str], None], folder: str = ".") -> None:
        """Runs docker and hands over what it prints line by line; raises Refused with the last lines if it fails."""
        last: list[str] = []
        with _started(["docker", *words], self._environment, folder) as process:
            for line in process.stdout or ():
                say(line.rstrip())
                last = [*last, line.strip()][-KEPT_LINES:] if line.strip() else last
        if process.returncode:
            reason = next(
                (each for each in reversed(last) if "ERROR" in each or "error" in each), " / ".join(last[-5:])
            )
            what = f"docker {' '.join(words[:2])} failed ({process.returncode}): {reason}"
            raise Refused(what, _fix_for(" ".join(last)))

    def login(self, registry: str, user: str, password: str) -> None:
        """Raises Refused with docker's own words if the registry does not accept them."""
        server = [] if registry == DOCKER_HUB else [registry]
        words = ["login", "--username", user, "--password-stdin", *server]
        self.answer(words, f"{registry} does not accept the login of {user}", NO_LOGIN, stdin=password)

    def answer(self, words: Sequence[str], trouble: str, fix: str = NO_DOCKER, stdin: str = "") -> str:
        """What docker prints; raises Refused with `trouble` and docker's own words."""
        try:
            done = subprocess.run(  # noqa: S603 (docker itself, each word an argument of its own)
                ["docker", *words],  # noqa: S607 (the one of the PATH, as everybody calls it)
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                env=dict(self._environment),
            )
        except OSError as error:
            raise Refused(f"docker cannot be run ({error.strerror})", NO_DOCKER) from error
        if done.returncode:
            said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise Refused(f"{trouble}: {said}", fix)
        return done.stdout


@contextmanager
def _started(command: Sequence[str], environment: Mapping[str, str], folder: str) -> Iterator[subprocess.Popen[str]]:
    """A process whose stdout and stderr are one stream; it does not outlive the block."""
    process = subprocess.Popen(  # noqa: S603 (docker itself, each word an argument of its own)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=dict(environment),
        cwd=folder,
    )
    with process:
        try:
            yield process
        except BaseException:
            process.terminate()
            raise


@contextmanager
def own_config(environment: Mapping[str, str], registries: Iterable[str]) -> Iterator[dict[str, str]]:
    """An environment whose docker keeps logins for `registries` in a folder that is gone at the end of the block.

    All else of the user's docker stays in sight: plugins, contexts and builders by links, other logins in a copy of the
    configuration. A credential store would keep passwords for good, so it is switched off for these registries.
    """
    home = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME", "/root")) / ".docker")
    with tempfile.TemporaryDirectory(prefix="docker-config-", dir=environment.get("RUNNER_TEMP") or None) as folder:
        for each in home.iterdir() if home.is_dir() else ():
            if each.name != "config.json":
                (Path(folder) / each.name).symlink_to(each.resolve())
        config = _read_config(home / "config.json")
        config["credHelpers"] = {**(config.get("credHelpers") or {}), **{login_server(each): "" for each in registries}}
        file = os.open(Path(folder) / "config.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w") as stream:
            json.dump(config, stream)
        yield {**environment, "DOCKER_CONFIG": folder}


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _fix_for(said: str) -> str:
    """What to do about docker's last lines."""
    # containerd does not pass on what the registry says, only which request it refused
    if re.search(r"cannot be overwritten because the (repository|tag) is immutable|/manifests/[^ ]+: 400 ", said):
        return (
            "a tag is taken, and in this repository tags never move: build as another `version`, leave tags like "
            "latest out of `extra-tags`, and give `cache: registry` an image of its own in `cache-ref`"
        )
    if re.search(_NOT_LET_IN, said):
        return "give registry-username and registry-password (ECR: a role that may push), and check the image's name"
    if re.search(r"name unknown|repository .* (not found|does not exist)", said):
        return "create the repository in the registry first"
    if "exec format error" in said:
        return (
            "the builder cannot run programs of that platform: register emulators before this step "
            "(docker run --privileged --rm tonistiigi/binfmt --install all), or build on a runner of that platform"
        )
    return "docker's own output above says where"
