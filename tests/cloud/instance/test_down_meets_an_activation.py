"""An instance is taken down while a first release is still being fetched there: nothing comes up afterwards."""

from __future__ import annotations

from pathlib import Path

from deployer.core.marker import Marker, find_marker
from localcloud.runtime import Run
from localcloud.runtime.process_run import processes_of
from tests.cloud.instance.instances import Instance, Published
from tests.waiting import eventually

SLOW_DOCKER = """\
#!/bin/sh
if [ "$1" = pull ]; then
  touch "{directory}/pulling"
  until [ -e "{directory}/go" ]; do sleep 0.05; done
fi
exec "{directory}/docker" "$@"
"""


class SlowPull:
    """Images that do not come before `go`."""

    def __init__(self, instance: Instance) -> None:
        docker = instance.root.parent / "bin/docker"
        self._directory = instance.root.parent / "slow"
        self._directory.mkdir()
        docker.rename(self._directory / "docker")
        docker.write_text(SLOW_DOCKER.format(directory=self._directory))
        docker.chmod(0o755)

    def has_begun(self) -> bool:
        return (self._directory / "pulling").exists()

    def go(self) -> None:
        (self._directory / "go").touch()


def pulling(instance: Instance, release: Published, pull: SlowPull) -> Run:
    """An activation of generation 1 that holds the lock and has not come to its containers."""
    activation = instance.start("activate", release, 1)
    eventually("the pull has begun", pull.has_begun)
    return activation


def waits_for_the_lock(instance: Instance) -> bool:
    return any("flock" in words(pid) for pid in processes_of(instance.root.parent))


def words(pid: int) -> list[str]:
    """The command line of a process; empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def marker_of(run: Run) -> Marker | None:
    return find_marker(run.wait().stdout)


def test_down_waits_for_an_activation_and_takes_down_what_it_brought_up(instance: Instance) -> None:
    v1, pull = instance.publish("v1"), SlowPull(instance)
    activation = pulling(instance, v1, pull)

    down = instance.start("down", generation=2)
    eventually("the lock is waited for", lambda: waits_for_the_lock(instance))
    pull.go()

    first, second = marker_of(activation), marker_of(down)
    assert first is not None
    assert first.proves("v1", v1.manifest_sha256, 1)
    assert second is not None
    assert (second.outcome, second.version) == ("activated", "")
    assert instance.containers() == {}
    assert instance.run("activate", v1, 1).outcome == "fenced"


def test_an_activation_that_was_killed_keeps_down_waiting_no_longer(instance: Instance) -> None:
    v1, pull = instance.publish("v1"), SlowPull(instance)
    hung = pulling(instance, v1, pull)
    down = instance.start("down", generation=2)
    eventually("the lock is waited for", lambda: waits_for_the_lock(instance))

    hung.kill()

    marker = marker_of(down)
    assert marker is not None
    assert (marker.outcome, marker.version, marker.reason) == ("unchanged", "", "nothing runs here")
    assert instance.run("activate", v1, 1).outcome == "fenced"
