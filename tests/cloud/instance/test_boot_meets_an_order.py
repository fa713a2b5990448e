"""A boot and an order of a rollout at the same time: whoever is newer is what runs, and nobody works on half of it."""

from __future__ import annotations

from deployer.core.marker import find_marker
from tests.cloud.instance.instances import Instance
from tests.waiting import eventually

SLOW_READING = """\
#!/bin/sh
case "$*" in
  *get-object*desired.json*)
    "{original}" "$@"
    code=$?
    touch "{directory}/has-read"
    until [ -e "{directory}/go" ]; do sleep 0.05; done
    exit "$code" ;;
esac
exec "{original}" "$@"
"""


class SlowReading:
    """The instance's `aws`, which goes on only at `go` once it has read `desired.json`."""

    def __init__(self, instance: Instance) -> None:
        program = instance.root.parent / "bin/aws"
        self._directory = instance.root.parent / "slow"
        self._directory.mkdir()
        program.rename(original := self._directory / "aws")
        program.write_text(SLOW_READING.format(directory=self._directory, original=original))
        program.chmod(0o755)

    def has_read(self) -> bool:
        return (self._directory / "has-read").exists()

    def go(self) -> None:
        (self._directory / "go").touch()


def test_a_boot_that_read_what_was_desired_before_a_newer_order_came_keeps_what_that_brought(
    instance: Instance,
) -> None:
    v1, v2, slow = instance.publish("v1"), instance.publish("v2"), SlowReading(instance)
    instance.promote(v1, 1)
    boot = instance.start("boot")
    eventually("desired.json is read", slow.has_read)
    assert instance.run("activate", v2, 2).outcome == "activated"

    slow.go()

    booted = find_marker(boot.wait().stdout)
    assert booted is not None
    assert (booted.outcome, booted.version, booted.generation) == ("unchanged", "v2", 2)
    assert instance.get() == (200, "v2 hello")


def test_an_order_that_comes_while_an_instance_boots_waits_and_then_follows(instance: Instance) -> None:
    v1, v2 = instance.publish("v1"), instance.publish("v2")
    instance.promote(v1, 1)
    slowness = instance.surroundings.registry.slowness
    slowness.seconds = 1
    try:
        boot = instance.start("boot")
        eventually("it has begun", lambda: (instance.home / "releases/v1/parts").exists())
        order = instance.run("activate", v2, 2)
    finally:
        slowness.seconds = 0

    booted = find_marker(boot.wait().stdout)
    assert booted is not None
    assert booted.proves("v1", v1.manifest_sha256, 1)
    assert order.proves("v2", v2.manifest_sha256, 2)
    assert instance.get() == (200, "v2 hello")
