"""A newborn with the launch template's user data: what it boots, and what it tells its group."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployer.commands import render
from deployer.core.marker import find_marker
from tests.cloud.instance.instances import APP, BUCKET, GROUP, Instance, Surroundings
from tests.cloud.instance.stub import Stub, answering
from tests.waiting import eventually

DONE = "<CompleteLifecycleActionResponse><CompleteLifecycleActionResult/></CompleteLifecycleActionResponse>"
INSTANCE = "i-0123456789abcdef0"
METADATA = {"/api/token": "token", "/instance-id": INSTANCE, "/region": "eu-west-1"}
A_MINUTE = 'sleep "$((50 + RANDOM % 20))"'


@pytest.fixture
def group() -> Iterator[Stub]:
    """Auto Scaling, which hears what the newborn says."""
    with answering(Stub(200, {"": DONE})) as group:
        yield group


@pytest.fixture
def born(surroundings: Surroundings, group: Stub) -> Iterator[Callable[..., Instance]]:
    """Starts "i-1" with real user data."""
    surroundings.runtime.terminate("i-1")
    with answering(Stub(200, METADATA)) as metadata:

        def boot(between_beats: str = A_MINUTE, first: str = ":") -> Instance:
            user_data = render.user_data(APP, BUCKET, GROUP, "launch")
            assert user_data.count(A_MINUTE) == 1
            endpoint = f"export AWS_ENDPOINT_URL_AUTO_SCALING={group.url}\n"
            user_data = user_data.replace("set -euo pipefail\n", f"set -euo pipefail\n{endpoint}{first}\n", 1)
            machine = surroundings.runtime.boot("i-1", user_data.replace(A_MINUTE, between_beats), metadata.port)
            return Instance(surroundings, "i-1", machine.address)

        yield boot
        surroundings.runtime.terminate("i-1")


def answer_of(group: Stub) -> str:
    """What the newborn told its group in the end."""
    eventually("the group is answered", lambda: any("CompleteLifecycleAction" in each for each in group.asked))
    return group.asked[-1]


def console(newborn: Instance) -> str:
    return newborn.runtime.user_data_log("i-1")


@pytest.mark.parametrize(
    ("unhealthy", "outcome", "result", "page"),
    [(False, "activated", "CONTINUE", (200, "v1 hello")), (True, "failed", "ABANDON", (0, ""))],
)
def test_a_newborn_boots_the_desired_release_and_answers_its_launch_hook_by_what_was_proven(
    instance: Instance,
    born: Callable[..., Instance],
    group: Stub,
    unhealthy: bool,
    outcome: str,
    result: str,
    page: tuple[int, str],
) -> None:
    v1 = instance.publish("v1", unhealthy=unhealthy)
    instance.promote(v1, 7)

    newborn = born()

    said = answer_of(group)
    marker = find_marker(console(newborn).partition("lifecycle hook")[0])
    assert marker is not None
    assert marker.outcome == outcome
    assert marker.proves("v1", v1.manifest_sha256, 7) == (result == "CONTINUE")
    assert newborn.get() == page
    assert f"LifecycleActionResult={result}" in said
    assert f"InstanceId={INSTANCE}" in said
    assert "LifecycleHookName=launch" in said
    assert_later_boots_are_prepared(newborn.root)


def assert_later_boots_are_prepared(root: Path) -> None:
    environment = (root / "etc/deployer/environment").read_text()
    assert environment == f"APP={APP}\nBUCKET={BUCKET}\nGROUP={GROUP}\nLIFECYCLE_HOOK=launch\n"
    assert (root / "opt/deployer/loader").stat().st_mode & 0o111
    assert "loader boot" in (root / "etc/systemd/system/deployer-boot.service").read_text()


def test_why_it_is_abandoned_is_the_last_thing_on_its_console(
    instance: Instance, born: Callable[..., Instance], group: Stub
) -> None:
    instance.promote(instance.publish("v1", parameters="/no/such"), 7)

    newborn = born()

    assert "LifecycleActionResult=ABANDON" in answer_of(group)
    said = next(line for line in console(newborn).splitlines() if line.startswith("lifecycle hook"))
    assert said.startswith("lifecycle hook launch: ABANDON: parameters /no/such cannot be read: ")


def test_its_group_hears_of_it_while_a_pull_takes_long(
    instance: Instance, born: Callable[..., Instance], group: Stub
) -> None:
    instance.promote(instance.publish("v1"), 7)
    slowness = instance.surroundings.registry.slowness
    slowness.seconds = 2
    try:
        born("sleep 0.2")
        assert "LifecycleActionResult=CONTINUE" in answer_of(group)
    finally:
        slowness.seconds = 0
    beats = [each for each in group.asked if "RecordLifecycleActionHeartbeat" in each]
    assert len(beats) >= 2
    assert all(f"InstanceId={INSTANCE}" in each for each in beats)


SLOW_FLOCK = """\
#!/bin/sh
touch "{directory}/waits"
until [ -e "{directory}/go" ]; do sleep 0.05; done
exec {flock} "$@"
"""


def test_a_newborn_that_an_order_overtakes_goes_into_service_with_what_the_order_brought(
    instance: Instance, born: Callable[..., Instance], group: Stub, tmp_path: Path
) -> None:
    v1, v2 = instance.publish("v1"), instance.publish("v2")
    instance.promote(v1, 1)
    (tmp_path / "flock").write_text(SLOW_FLOCK.format(directory=tmp_path, flock=shutil.which("flock")))
    (tmp_path / "flock").chmod(0o755)
    newborn = born(first=f"export PATH={tmp_path}:$PATH")
    eventually("it has read what was desired, and waits for the lock", (tmp_path / "waits").exists)
    assert newborn.run("activate", v2, 2).proves("v2", v2.manifest_sha256, 2)

    (tmp_path / "go").touch()

    assert "LifecycleActionResult=CONTINUE" in answer_of(group)
    assert newborn.get() == (200, "v2 hello")
