"""What an instance runs when it boots, and what it tells its group."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.commands import render
from deployer.core.marker import find_marker
from tests.cloud.instance.instances import APP, BUCKET, GROUP, Instance
from tests.cloud.instance.stub import Stub, serving
from tests.waiting import eventually

ACCESS_DENIED = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
DONE = "<CompleteLifecycleActionResponse><CompleteLifecycleActionResult/></CompleteLifecycleActionResponse>"
INSTANCE = "i-0123456789abcdef0"
METADATA = {"/api/token": "token", "/instance-id": INSTANCE, "/region": "eu-west-1"}


def test_nothing_runs_before_the_first_promotion(instance: Instance) -> None:
    marker = instance.run("boot")

    assert (marker.outcome, marker.version, marker.reason) == ("unchanged", "", "no desired release")


def test_without_list_bucket_s3_denies_a_missing_key_and_that_means_nothing_to_run(instance: Instance) -> None:
    with serving(Stub(403, {"": ACCESS_DENIED})) as s3:
        marker = instance.run("boot", environment={"AWS_ENDPOINT_URL_S3": s3.url})

    assert (marker.outcome, marker.reason) == ("unchanged", "no desired release")


def test_a_newborn_boots_the_desired_release_and_after_a_reboot_fetches_its_environment_again(
    instance: Instance,
) -> None:
    v1 = instance.publish("v1")
    instance.promote(v1, 7)
    assert instance.run("boot").proves("v1", v1.manifest_sha256, 7)
    for each in list(instance.engine().containers()):
        each.remove()
    (instance.root / "run/deployer/Orange/v1.env").unlink()

    marker = instance.run("boot")

    assert marker.proves("v1", v1.manifest_sha256, 7)
    assert instance.get() == (200, "v1 hello")


@pytest.mark.parametrize("indent", [None, 4])
def test_the_desired_release_is_read_in_whatever_layout_it_was_written(instance: Instance, indent: int | None) -> None:
    v1 = instance.publish("v1")
    instance.promote(v1, 7, indent)

    assert instance.run("boot").proves("v1", v1.manifest_sha256, 7)


def test_a_desired_release_of_nothing_boots_nothing(instance: Instance) -> None:
    instance.promote(None, 7)

    marker = instance.run("boot")

    assert (marker.outcome, marker.version, marker.reason) == ("unchanged", "", "no desired release")


def test_an_instance_ahead_of_the_desired_release_keeps_its_own(instance: Instance) -> None:
    v1, v2 = instance.publish("v1"), instance.publish("v2")
    instance.promote(v1, 1)
    instance.run("activate", v2, 2)

    marker = instance.run("boot")

    assert marker.proves("v2", v2.manifest_sha256, 2)
    assert instance.get() == (200, "v2 hello")


def test_status_of_an_instance_where_nothing_ever_ran(instance: Instance) -> None:
    marker = instance.run("status")

    assert (marker.outcome, marker.version, marker.reason) == ("unchanged", "", "nothing runs here")


def test_status_tells_what_runs_and_what_is_wrong_with_it(instance: Instance) -> None:
    v1 = instance.publish("v1")
    instance.run("activate", v1, 1)
    assert instance.run("status").reason == ""
    next(each for each in instance.engine().containers() if each.name == "orange").remove()

    marker = instance.run("status")

    assert marker.proves("v1", v1.manifest_sha256, 1)
    assert marker.reason == "http://localhost:8080/ does not answer"


@pytest.mark.parametrize("variable", ["SSM_App", "SSM_Bucket", "SSM_Version", "SSM_ManifestSha256", "SSM_Generation"])
def test_the_loader_checks_what_it_is_given_by_itself(instance: Instance, variable: str) -> None:
    marker = instance.run("activate", instance.publish("v1"), 1, {variable: "../x\n$(id)"})

    assert marker.outcome == "failed"
    assert "is missing or malformed" in marker.reason


def boot_with_user_data(instance: Instance, group: Stub, metadata: Stub) -> str:
    """Boots another instance, "i-1", with real user data; returns its log once the group was answered."""
    instance.runtime.terminate("i-1")
    user_data = render.user_data(APP, BUCKET, GROUP, "launch")
    endpoint = f"export AWS_ENDPOINT_URL_AUTO_SCALING={group.url}\n"
    instance.runtime.boot(
        "i-1", user_data.replace("set -euo pipefail\n", f"set -euo pipefail\n{endpoint}", 1), metadata.port
    )
    eventually("the group is answered", lambda: any("CompleteLifecycleAction" in each for each in group.asked))
    return instance.runtime.user_data_log("i-1")


@pytest.mark.parametrize(
    ("unhealthy", "outcome", "result"), [(False, "activated", "CONTINUE"), (True, "failed", "ABANDON")]
)
def test_user_data_answers_the_launch_hook_by_what_was_proven(
    instance: Instance, unhealthy: bool, outcome: str, result: str
) -> None:
    instance.promote(instance.publish("v1", unhealthy=unhealthy), 1)

    with serving(Stub(200, {"": DONE})) as group, serving(Stub(200, METADATA)) as metadata:
        log = boot_with_user_data(instance, group, metadata)

    marker = find_marker(log.partition("lifecycle hook")[0])
    assert marker is not None
    assert marker.outcome == outcome
    assert f"LifecycleActionResult={result}" in group.asked[-1]
    assert f"InstanceId={INSTANCE}" in group.asked[-1]
    assert "LifecycleHookName=launch" in group.asked[-1]
    assert_later_boots_are_prepared(instance.runtime.root("i-1"))


def assert_later_boots_are_prepared(root: Path) -> None:
    environment = (root / "etc/deployer/environment").read_text()
    assert environment == f"APP={APP}\nBUCKET={BUCKET}\nGROUP={GROUP}\nLIFECYCLE_HOOK=launch\n"
    assert (root / "opt/deployer/loader").stat().st_mode & 0o111
    assert "loader boot" in (root / "etc/systemd/system/deployer-boot.service").read_text()
