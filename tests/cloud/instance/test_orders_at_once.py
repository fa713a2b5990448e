"""Several orders at once on one instance, as the SSM agent's five workers and a boot may give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.core.marker import Marker, find_marker
from localcloud.runtime import Run
from localcloud.runtime.process_run import processes_of
from tests.cloud.instance.instances import Instance
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

# Says when compose begins and ends; it has a process group of its own, and so outlives an order that is killed.
WATCHED_DOCKER = """\
#!/bin/sh
case "$*" in *" up "*) ;; *) exec "{directory}/docker" "$@" ;; esac
exec setsid --wait sh -c '
  echo begin >>"$0/changes"
  [ ! -e "$0/hold" ] || until [ ! -e "$0/hold" ]; do sleep 0.05; done
  "$0/docker" "$@" || exit
  echo end >>"$0/changes"' "{directory}" "$@"
"""


class Changes:
    """What compose did on an instance, and when; while it is held, it does nothing."""

    def __init__(self, instance: Instance) -> None:
        docker = instance.root.parent / "bin/docker"
        self._directory = instance.root.parent / "watched"
        self._directory.mkdir()
        docker.rename(self._directory / "docker")
        docker.write_text(WATCHED_DOCKER.format(directory=self._directory))
        docker.chmod(0o755)

    def seen(self) -> list[str]:
        changes = self._directory / "changes"
        return changes.read_text().split() if changes.exists() else []

    def hold(self) -> Path:
        (self._directory / "hold").touch()
        return self._directory / "hold"


def marker_of(run: Run) -> Marker:
    marker = find_marker(run.wait().stdout)
    assert marker is not None, run.wait()
    return marker


def wait_for_the_lock(instance: Instance) -> int:
    """How many commands do."""
    return sum("flock" in _words(pid) for pid in processes_of(instance.root.parent))


def _words(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def test_the_newest_of_five_and_a_boot_wins_and_none_meets_another(instance: Instance) -> None:
    releases = {generation: instance.publish(f"v{generation}") for generation in range(1, 7)}
    instance.run("activate", releases[1], 1)
    instance.promote(releases[4], 4)
    changes = Changes(instance)

    runs = {number: instance.start("activate", releases[number], number) for number in (3, 6, 2, 5, 4)}
    boot = marker_of(instance.start("boot"))
    markers = {number: marker_of(run) for number, run in runs.items()}

    assert markers[6].proves("v6", releases[6].manifest_sha256, 6)
    for number, marker in markers.items():
        in_its_turn = marker.proves(f"v{number}", releases[number].manifest_sha256, number)
        assert in_its_turn or (marker.outcome == "fenced" and marker.generation > number), marker
    assert boot.outcome in ("activated", "unchanged", "fenced")
    assert changes.seen() == ["begin", "end"] * (len(changes.seen()) // 2)
    assert (instance.state()["version"], instance.state()["generation"]) == ("v6", "6")
    assert instance.get() == (200, "v6 hello")


def test_what_a_killed_order_still_changes_is_waited_for(instance: Instance) -> None:
    """The lock is inherited: as long as a client of the engine works on, nobody else begins."""
    v1, v2 = instance.publish("v1"), instance.publish("v2")
    changes = Changes(instance)
    held = changes.hold()
    killed = instance.start("activate", v1, 1)
    eventually("compose is at it", lambda: changes.seen() == ["begin"])
    killed.kill()

    after = instance.start("activate", v2, 2)
    eventually("the lock is waited for", lambda: wait_for_the_lock(instance) == 1)
    held.unlink()

    assert marker_of(after).proves("v2", v2.manifest_sha256, 2)
    assert changes.seen() == ["begin", "end"] * 2
    assert instance.get() == (200, "v2 hello")
