"""`make demo`: the example application goes to a fleet of three, for real, and comes back when it must.

v1, then v2 rolling, then a v3 that never gets healthy and is put back by itself, then a rollback by hand to v1. Every
step is the product's own command line, as a workflow would run it, against a local cloud that is started and removed
here. The last line is `demo: ok`; anything else is a failure, and the exit code says so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from localcloud.engine_command import search_path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "orange"
LOCALCLOUD = (sys.executable, "-m", "localcloud")
DONE, ROLLED_BACK = 0, 3  # exit codes of the product


class DemoFailed(Exception):
    """A step did not end as it should; the message says which and how."""


class Delivery:
    """The example on its way to one group, in the environment the local cloud printed."""

    def __init__(self, environment: Mapping[str, str], runtime: str) -> None:
        self._environment = {**os.environ, **environment}
        self._runtime = runtime
        self._registry = environment["REGISTRY"]
        self._promtail = ""

    def deliver(self, version: str, *policy: str, healthy: bool = True) -> None:
        """Builds, publishes and rolls out one version; a broken one must be put back with exit code 3."""
        images = self._images(version, healthy)
        self._deployer("publish", *_release(version, images, self._environment["PARAMETERS"]))
        self._deployer("rollout", "--version", version, *policy, expect=DONE if healthy else ROLLED_BACK)

    def rollback(self, *policy: str) -> None:
        """Back to the release before, by hand."""
        self._deployer("rollback", *policy)

    def check_serves(self, version: str) -> None:
        """The load balancer answers with that version; where there is none, every instance is asked."""
        url = self._environment.get("LOAD_BALANCER_URL", "")
        if not url:
            self.check_runs(version)
            return
        answer = self._run(["curl", "-fsS", "--max-time", "5", url], True)
        if version not in answer.split():
            raise DemoFailed(f"the load balancer should answer with {version}, and it says {answer.strip()}")
        say(f"the load balancer answers: {' '.join(answer.split())}")

    def check_runs(self, version: str) -> None:
        """Every instance says so itself."""
        report = json.loads(self._deployer("status", "--json", captured=True))
        runs = {row["instance"]: row["runs"] for rows in report["instances"].values() for row in rows}
        if set(runs.values()) != {version}:
            raise DemoFailed(f"the instances should run {version}, and they say {runs}")
        say(f"{len(runs)} of {len(runs)} instances run {version}")

    def _images(self, version: str, healthy: bool) -> list[str]:
        """The application's image of this version; the log shipper's is the same for all of them."""
        self._promtail = self._promtail or self._image("promtail", "v1", "Dockerfile.promtail", True)
        server = self._image("orange", version, "Dockerfile", healthy)
        return [f"spring_server={server}", f"promtail={self._promtail}"]

    def _image(self, name: str, version: str, dockerfile: str, healthy: bool) -> str:
        if self._runtime == "docker":
            return self._built(name, version, dockerfile, healthy)
        return self._stand_in(name, version, healthy)

    def _stand_in(self, name: str, version: str, healthy: bool) -> str:
        words = ["image", "--state-dir", self._environment["LOCALCLOUD_STATE"], "--name", name, "--version", version]
        words += [] if healthy else ["--unhealthy"]
        return self._run([*LOCALCLOUD, *words], True, place=ROOT).strip()

    def _built(self, name: str, version: str, dockerfile: str, healthy: bool) -> str:
        words = ["--image", f"{self._registry}/{name}", "--version", version, "--context", self._context()]
        words += ["--dockerfile", str(EXAMPLE / dockerfile)]
        words += ["--build-args", f"VERSION={version}\nHEALTHY={'true' if healthy else 'false'}"]
        return str(json.loads(self._deployer("build", "--json", *words, captured=True))["image"])

    def _context(self) -> str:
        """The example with a static busybox beside it: no base image can be pulled without a network."""
        context = Path(self._environment["LOCALCLOUD_STATE"]) / "context"
        if not context.exists():
            busybox = shutil.which("busybox", path=search_path())
            if busybox is None:
                raise DemoFailed("there is no busybox to build the example from: run localcloud/install")
            shutil.copytree(EXAMPLE, context)
            shutil.copy(busybox, context / "bin" / "busybox")
        return str(context)

    def _deployer(self, command: str, *words: str, expect: int = DONE, captured: bool = False) -> str:
        return self._run([str(ROOT / "scripts" / "run"), command, *words], captured, expect)

    def _run(self, words: Sequence[str], captured: bool, expect: int = DONE, place: Path = EXAMPLE) -> str:
        output = subprocess.PIPE if captured else None
        done = subprocess.run(words, env=self._environment, cwd=place, stdout=output, text=True, check=False)
        if done.returncode != expect:
            raise DemoFailed(f"`{' '.join(words[:3])}` ended with exit code {done.returncode}, not {expect}")
        return done.stdout or ""


def _release(version: str, images: Sequence[str], parameters: str) -> list[str]:
    """How the example is published: the flags of its own workflow."""
    return [
        *("--version", version),
        *("--compose-files", "docker/docker-compose.yml"),
        *("--images", "\n".join(images)),
        *("--parameters", parameters),
        *("--environment-file", "../.env"),
        *("--health-check", "http://localhost:8080/health"),
        *("--health-timeout", "3s"),
    ]


@contextmanager
def cloud(runtime: Sequence[str]) -> Iterator[Delivery]:
    """A local cloud of three instances behind a load balancer, gone again at the end."""
    state = Path(tempfile.mkdtemp(prefix="deploy-demo-"))
    place = ["--state-dir", str(state)]
    file = state / "environment"
    try:
        up = ["up", "--instances", "3", "--target-group", "--operator", "deployer", "--env-file", str(file)]
        first_line = _started([*LOCALCLOUD, *up, *place, *runtime])
        environment = dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
        yield Delivery({**environment, "LOCALCLOUD_STATE": str(state)}, first_line.partition(" ")[0])
    finally:
        down = subprocess.run([*LOCALCLOUD, "down", *place], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
        if down.returncode:
            raise DemoFailed(f"the local cloud was not removed: `python3 -m localcloud down --state-dir {state}`")
        shutil.rmtree(state, ignore_errors=True)


def _started(words: Sequence[str]) -> str:
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise DemoFailed("the local cloud did not start")
    first_line = done.stdout.splitlines()[0]
    print(first_line, flush=True)
    return first_line


def say(line: str) -> None:
    print(f"\n== {line}", flush=True)


def main() -> int:
    """Runs the demo; 0 if every step ended as it should. `--runtime docker|process` insists on one."""
    began = time.monotonic()
    for each in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: the cloud must not outlive the demo
        signal.signal(each, signal.default_int_handler)
    try:
        with cloud(sys.argv[1:]) as delivery:
            say("v1: the group's first release, after the canary everywhere at once, for nothing serves yet")
            delivery.deliver("v1", "--max-unavailable", "100%")
            delivery.check_serves("v1")
            say("v2: canary, then one instance after the other")
            delivery.deliver("v2")
            delivery.check_serves("v2")
            say("v3 never gets healthy: it must come back to v2 by itself")
            delivery.deliver("v3", healthy=False)
            delivery.check_serves("v2")
            say("rollback by hand: the release before v2, two instances at a time")
            delivery.rollback("--max-unavailable", "2")
            delivery.check_runs("v1")
    except DemoFailed as error:
        print(f"\ndemo: failed: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted", file=sys.stderr, flush=True)
        return 130
    print(f"\n{time.monotonic() - began:.0f} s in all")
    print("demo: ok")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
