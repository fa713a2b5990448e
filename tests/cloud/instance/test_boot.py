"""What an instance runs when it boots."""

from __future__ import annotations

import pytest

from tests.cloud.instance.instances import Instance


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


def test_a_first_release_that_was_taken_back_out_of_reach_is_taken_down_by_the_next_boot(instance: Instance) -> None:
    v1 = instance.publish("v1")
    assert instance.run("activate", v1, 1).outcome == "activated"
    instance.promote(None, 2)  # the way back of a group's first release

    marker = instance.run("boot")

    assert (marker.outcome, marker.version, instance.containers()) == ("activated", "", {})
    assert instance.run("boot").reason == "no desired release"
    assert instance.run("activate", v1, 1).outcome == "fenced"


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
