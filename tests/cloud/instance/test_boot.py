"""What an instance runs when it boots, and what it tells its group."""

from __future__ import annotations

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


def test_nothing_runs_before_the_first_promotion(instance: Instance) -> None:
    marker = instance.run("boot")

    assert (marker.outcome, marker.version, marker.reason) == ("unchanged", "", "no desired release")


@pytest.mark.parametrize("indent", [None, 4])
def test_the_desired_release_is_read_in_whatever_layout_it_was_written(serving: Instance, indent: int | None) -> None:
    v1, generation = serving.publish("v1"), serving.next_generation()
    serving.promote(v1, generation, indent)

    assert serving.run("boot").proves("v1", v1.manifest_sha256, generation)


def test_a_desired_release_of_nothing_boots_nothing(instance: Instance) -> None:
    instance.promote(None, 7)

    marker = instance.run("boot")

    assert (marker.outcome, marker.version, marker.reason) == ("unchanged", "", "no desired release")


def test_an_instance_ahead_of_the_desired_release_keeps_its_own(serving: Instance) -> None:
    v1, older = serving.publish("v1"), serving.next_generation()
    serving.promote(serving.publish("v2"), older)
    serving.run("activate", v1, older + 1)

    marker = serving.run("boot")

    assert marker.proves("v1", v1.manifest_sha256, older + 1)
    assert serving.get() == (200, "v1 hello")


def test_status_of_an_instance_where_nothing_ever_ran(instance: Instance) -> None:
    marker = instance.run("status")

    assert (marker.outcome, marker.version, marker.reason) == ("unchanged", "", "nothing runs here")


def test_what_a_reboot_took_away_is_told_by_status_and_brought_back_by_boot(serving: Instance) -> None:
    v1, generation = serving.publish("v1"), serving.next_generation()
    serving.promote(v1, generation)
    serving.run("activate", v1, generation)
    assert serving.run("status").reason == ""

    next(each for each in serving.engine().containers() if each.name == "orange").remove()

    status = serving.run("status")
    assert status.proves("v1", v1.manifest_sha256, generation)
    assert status.reason == "http://localhost:8080/ does not answer"

    for each in list(serving.engine().containers()):
        each.remove()
    (serving.root / "run/deployer/Orange/v1.env").unlink()

    assert serving.run("boot").proves("v1", v1.manifest_sha256, generation)
    assert serving.get() == (200, "v1 hello")


@pytest.mark.parametrize("variable", ["SSM_App", "SSM_Bucket", "SSM_Version", "SSM_ManifestSha256", "SSM_Generation"])
def test_the_loader_checks_what_it_is_given_by_itself(instance: Instance, variable: str) -> None:
    marker = instance.run("activate", instance.publish("v1"), 1, {variable: "../x\n$(id)"})

    assert marker.outcome == "failed"
    assert "is missing or malformed" in marker.reason


def boot_with_user_data(surroundings: Surroundings, group: Stub, metadata: Stub) -> Instance:
    """A newborn, "i-1", with real user data, once its group was answered."""
    surroundings.runtime.terminate("i-1")
    user_data = render.user_data(APP, BUCKET, GROUP, "launch")
    endpoint = f"export AWS_ENDPOINT_URL_AUTO_SCALING={group.url}\n"
    user_data = user_data.replace("set -euo pipefail\n", f"set -euo pipefail\n{endpoint}", 1)
    machine = surroundings.runtime.boot("i-1", user_data, metadata.port)
    eventually("the group is answered", lambda: any("CompleteLifecycleAction" in each for each in group.asked))
    return Instance(surroundings, "i-1", machine.address)


@pytest.mark.parametrize(
    ("unhealthy", "outcome", "result", "page"),
    [(False, "activated", "CONTINUE", (200, "v1 hello")), (True, "failed", "ABANDON", (0, ""))],
)
def test_a_newborn_boots_the_desired_release_and_answers_its_launch_hook_by_what_was_proven(
    instance: Instance, unhealthy: bool, outcome: str, result: str, page: tuple[int, str]
) -> None:
    v1 = instance.publish("v1", unhealthy=unhealthy)
    instance.promote(v1, 7)

    with answering(Stub(200, {"": DONE})) as group, answering(Stub(200, METADATA)) as metadata:
        newborn = boot_with_user_data(instance.surroundings, group, metadata)

    marker = find_marker(newborn.runtime.user_data_log("i-1").partition("lifecycle hook")[0])
    assert marker is not None
    assert marker.outcome == outcome
    assert marker.proves("v1", v1.manifest_sha256, 7) == (result == "CONTINUE")
    assert newborn.get() == page
    assert f"LifecycleActionResult={result}" in group.asked[-1]
    assert f"InstanceId={INSTANCE}" in group.asked[-1]
    assert "LifecycleHookName=launch" in group.asked[-1]
    assert_later_boots_are_prepared(newborn.root)


def assert_later_boots_are_prepared(root: Path) -> None:
    environment = (root / "etc/deployer/environment").read_text()
    assert environment == f"APP={APP}\nBUCKET={BUCKET}\nGROUP={GROUP}\nLIFECYCLE_HOOK=launch\n"
    assert (root / "opt/deployer/loader").stat().st_mode & 0o111
    assert "loader boot" in (root / "etc/systemd/system/deployer-boot.service").read_text()
