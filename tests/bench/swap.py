"""What a rollout costs an instance: how long it is out of the load balancer, and how long it does not answer at all.

On real engines behind the local cloud's load balancer, one instance at a time. The containers' own part (stop, start,
until they are healthy) is the application's; all around it is ours.
"""

from __future__ import annotations

import http.client
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from deployer.core.marker import Marker, find_marker
from localcloud.aws.commands import Invocation
from localcloud.cloud import Cloud
from localcloud.options import CloudOptions
from tests.cloud.delivery import Delivery
from tests.e2e.busybox_image import push_image

LONGEST = 2.0
"""Seconds out of the load balancer besides what the containers take."""
LOOK = 0.01
"""Seconds between two looks."""


@dataclass
class Seen:
    """One instance during a rollout: when its target's state and its own answer changed (seconds since the epoch)."""

    target: list[tuple[float, str]] = field(default_factory=list)
    answer: list[tuple[float, bool]] = field(default_factory=list)

    def first(self, state: str) -> float:
        """When the target was first so, after it began to drain."""
        draining = next(moment for moment, seen in self.target if seen == "draining")
        return next(moment for moment, seen in self.target if seen == state and moment >= draining)

    @property
    def silent(self) -> float:
        """Seconds from the first request that was not answered to the first that was again."""
        ends = [moment for moment, _ in self.answer[1:3]]
        return ends[1] - ends[0] if len(ends) == 2 else 0.0


@dataclass(frozen=True)
class Swap:
    """Where the seconds of one instance went."""

    draining: float
    order: float
    command: float
    containers: float
    answer: float
    joining: float
    silent: float

    @property
    def out(self) -> float:
        return self.draining + self.order + self.command + self.answer + self.joining

    @property
    def ours(self) -> float:
        return self.out - self.containers


def main(instances: int = 3) -> bool:
    """Prints the medians of one rollout; True if they are within the limit."""
    with tempfile.TemporaryDirectory() as folder:
        options = CloudOptions(Path(folder) / "cloud", instances=instances, runtime="docker", target_group=True)
        with Cloud(options) as cloud:
            delivery = Delivery(cloud, Path(folder) / "application", _pushing(Path(folder)))
            delivery.bring_to("v1")
            delivery.publish("v2")
            with _watching(cloud) as seen:
                done = delivery.run("rollout", "--version", "v2", "--max-unavailable", "1")
            assert done.returncode == 0, done.stderr
            return _told([_swap(seen[each.instance_id], each) for each in _activations(cloud, "v2")])


def _pushing(folder: Path) -> Callable[[str, str, bool], str]:
    def push(registry: str, version: str, healthy: bool) -> str:
        page = f"orange {version}\n" if healthy else ""
        return push_image(registry, f"web:{version}", page, folder / "images" / version)

    return push


@contextmanager
def _watching(cloud: Cloud) -> Iterator[dict[str, Seen]]:
    """What is seen of each instance while the block lasts."""
    seen = {each: Seen() for each in cloud.fleet.members}
    done = threading.Event()

    def watch(instance_id: str, one: Seen) -> None:
        arn = cloud.environment["TARGET_GROUP_ARN"]
        while not done.wait(LOOK):
            state, answers = cloud.targets.state(arn, instance_id), _answers(cloud.fleet.address_of(instance_id))
            now = time.time()
            if not one.target or one.target[-1][1] != state:
                one.target.append((now, state))
            if not one.answer or one.answer[-1][1] != answers:
                one.answer.append((now, answers))

    threads = [threading.Thread(target=watch, args=pair) for pair in seen.items()]
    for each in threads:
        each.start()
    try:
        yield seen
    finally:
        done.set()
        for each in threads:
            each.join()


def _answers(address: str | None) -> bool:
    connection = http.client.HTTPConnection(str(address), 8080, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _activations(cloud: Cloud, version: str) -> Iterator[Invocation]:
    for command in cloud.run_command.visible():
        asked = (command.parameters.get("Subcommand"), command.parameters.get("Version"))
        if asked == (["activate"], [version]):
            yield from command.invocations


def _swap(seen: Seen, activation: Invocation) -> Swap:
    marker = find_marker(activation.stdout)
    assert isinstance(marker, Marker)
    began, ended = _epoch(activation.started_at), _epoch(activation.ended_at)
    draining, drained, back = seen.first("draining"), seen.first("unused"), seen.first("initial")
    return Swap(
        draining=drained - draining,
        order=began - drained,
        command=ended - began,
        containers=marker.seconds["up"] + marker.seconds["health"],
        answer=back - ended,
        joining=seen.first("healthy") - back,
        silent=seen.silent,
    )


def _epoch(moment: datetime | None) -> float:
    assert moment is not None
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()


def _told(swaps: list[Swap]) -> bool:
    def median(name: str) -> float:
        return statistics.median(float(getattr(each, name)) for each in swaps)

    for name in ("draining", "order", "command", "containers", "answer", "joining", "silent", "out"):
        print(f"  {name:12} {median(name):6.2f} s")  # noqa: T201
    good = median("ours") <= LONGEST
    mark = "✓" if good else "✗"
    print(f"{mark} out of the load balancer besides containers {median('ours'):.2f} s  (limit {LONGEST:g} s)")  # noqa: T201
    return good
