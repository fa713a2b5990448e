"""A parameter changes while a release runs: what tells, what brings the change along, and what stays when it fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deployer.core.marker import Marker
from localcloud.runtime.process_behaviour import STATUS
from tests.cloud.instance.instances import APP, Instance, Published
from tests.waiting import eventually

NAME = "/changed/env"
SECRET = "hush-hush"
SICK = f"GREETING=newer\nPASSWORD={SECRET}\n{STATUS}=503"


@pytest.fixture
def put(instance: Instance) -> Callable[..., str]:
    """Gives a parameter its next value; returns the version it has then."""
    instance.ssm.delete_parameters(Names=[NAME])

    def put(value: str, name: str = NAME) -> str:
        stored = instance.ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
        return str(stored["Version"])

    return put


def status(instance: Instance) -> Marker:
    """As `deployer status` asks."""
    return instance.run("status", environment={"SSM_Parameters": "/whatever/the/manifest/says"})


def kept(instance: Instance) -> list[str]:
    """The environments on the instance's tmpfs."""
    return sorted(path.name for path in (instance.root / f"run/deployer/{APP}").iterdir())


def on_v1(instance: Instance, parameters: str = NAME) -> Published:
    v1 = instance.publish("v1", parameters=parameters)
    assert instance.run("activate", v1, 1).outcome == "activated"
    return v1


def test_the_version_read_is_in_the_marker_and_in_the_state(instance: Instance, put: Callable[..., str]) -> None:
    put("GREETING=early")
    second = put("GREETING=late")
    v1 = instance.publish("v1", parameters=NAME)
    assert instance.run("prefetch", v1, 1).parameters == ""

    assert instance.run("activate", v1, 1).parameters == second

    assert instance.state()["parameters"] == second
    assert instance.run("status").parameters == second


def test_a_status_that_names_parameters_tells_that_there_are_newer_ones(
    instance: Instance, put: Callable[..., str]
) -> None:
    put("GREETING=one")
    on_v1(instance)
    assert status(instance).reason == ""
    put("GREETING=two")

    told = f"{NAME} has version 2, this runs 1: roll the same version out to bring it along"
    assert status(instance).reason == told
    assert instance.run("status").reason == ""  # a rollout asks what runs, and nothing else
    assert instance.last is not None
    assert "two" not in instance.last.stdout


def test_parameters_that_are_gone_are_told_too(instance: Instance, put: Callable[..., str]) -> None:
    put("GREETING=one")
    on_v1(instance)
    instance.ssm.delete_parameter(Name=NAME)

    assert f"parameters {NAME} cannot be read" in status(instance).reason
    assert instance.get() == (200, "v1 one")


def test_a_pinned_version_is_never_out_of_date_and_is_the_same_after_a_rollback(
    instance: Instance, put: Callable[..., str]
) -> None:
    put("GREETING=one")
    v1 = on_v1(instance, f"{NAME}:1")
    put("GREETING=two")
    assert (status(instance).reason, status(instance).parameters) == ("", "1")
    assert instance.run("activate", instance.publish("v2", parameters=f"{NAME}:2"), 2).parameters == "2"
    assert instance.get() == (200, "v2 two")

    assert instance.run("activate", v1, 3).parameters == "1"

    assert instance.get() == (200, "v1 one")


def test_below_a_path_every_name_and_number_counts(instance: Instance, put: Callable[..., str]) -> None:
    for each in ("one", "two"):
        put(each, f"/changed/path/{each}/GREETING_{each}")
    before = on_v1(instance, "/changed/path/")
    first = status(instance)
    assert (len(first.parameters), first.reason) == (12, "")
    put("three", "/changed/path/THREE")
    told = "the parameters below /changed/path/ are other ones than those this runs with: "
    told += "roll the same version out to bring it along"
    assert status(instance).reason == told

    second = instance.run("activate", before, 2)

    assert (second.outcome, instance.environment_of("orange")["THREE"]) == ("activated", "three")
    assert second.parameters != first.parameters
    put("two again", "/changed/path/two/GREETING_two")
    assert status(instance).reason == told


def test_two_parameters_for_one_variable_are_refused(instance: Instance, put: Callable[..., str]) -> None:
    for each in ("one", "two"):
        put(each, f"/changed/twice/{each}/GREETING")

    marker = instance.run("activate", instance.publish("v1", parameters="/changed/twice/"), 1)

    assert marker.reason == "parameters /changed/twice/: GREETING is there twice"


def test_a_changed_parameter_alone_is_brought_along_by_the_same_release(
    instance: Instance, put: Callable[..., str]
) -> None:
    put("GREETING=one")
    v1 = on_v1(instance)
    put("GREETING=two")
    before = instance.containers()

    prepared = instance.run("prefetch", v1, 2)
    assert (prepared.outcome, prepared.reason) == ("unchanged", f"{NAME} has version 2, this runs 1")
    assert (instance.containers(), instance.get()) == (before, (200, "v1 one"))

    marker = instance.run("activate", v1, 2)

    assert (marker.outcome, marker.parameters, marker.reason) == ("activated", "2", "")
    assert instance.get() == (200, "v1 two")
    assert kept(instance) == ["v1.env"]


def test_the_same_bytes_under_a_newer_version_touch_no_container(instance: Instance, put: Callable[..., str]) -> None:
    put("GREETING=one")
    v1 = on_v1(instance)
    put("# a comment more\nGREETING=one")
    before = instance.containers()

    marker = instance.run("activate", v1, 2)

    assert (marker.outcome, marker.parameters, marker.reason) == ("unchanged", "2", "")
    assert instance.containers() == before
    assert status(instance).reason == ""


def test_what_is_right_goes_on_where_its_parameters_cannot_be_read_and_says_so(
    instance: Instance, put: Callable[..., str]
) -> None:
    put("GREETING=one")
    v1, before = on_v1(instance), instance.containers()
    instance.ssm.delete_parameter(Name=NAME)

    marker = instance.run("activate", v1, 2)

    assert (marker.outcome, marker.generation, marker.parameters) == ("unchanged", 2, "1")
    assert f"its environment may be an older one: parameters {NAME} cannot be read" in marker.reason
    assert instance.containers() == before


def test_an_environment_that_is_not_healthy_gives_way_to_the_proven_one_until_a_rollout_prepares_it_again(
    instance: Instance, put: Callable[..., str]
) -> None:
    put("GREETING=one")
    v1 = on_v1(instance)
    put(SICK)

    marker = instance.run("activate", v1, 2)

    assert (marker.outcome, marker.version, marker.generation, marker.parameters) == ("restored", "v1", 2, "1")
    assert marker.reason.startswith(f"{NAME} has version 2, this runs 1, and with the newer v1 is not healthy: http:")
    assert "cannot work with PASSWORD=***" in marker.reason
    assert_nothing_was_let_out(instance)
    assert (instance.get(), kept(instance)) == ((200, "v1 one"), ["v1.env"])

    before, way_back = instance.containers(), instance.run("activate", v1, 3)

    assert way_back.proves("v1", v1.manifest_sha256, 3)
    assert way_back.reason == f"{NAME} has version 2, this runs 1: with the newer it did not get healthy"
    assert instance.containers() == before
    instance.run("prefetch", v1, 4)
    assert instance.run("activate", v1, 4).outcome == "restored"
    put("GREETING=three")
    assert instance.run("activate", v1, 5).outcome == "activated"
    assert instance.get() == (200, "v1 three")


def assert_nothing_was_let_out(instance: Instance) -> None:
    assert instance.last is not None
    on_disk = [path for path in instance.home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert SECRET not in instance.last.stdout + instance.last.stderr
    assert not [path for path in on_disk if SECRET.encode() in path.read_bytes()]


def test_killed_while_a_new_environment_was_tried_the_proven_one_is_what_comes_back(
    instance: Instance, put: Callable[..., str]
) -> None:
    put("GREETING=one")
    v1, v2 = on_v1(instance), instance.publish("v2", unhealthy=True, parameters=NAME)
    put(SICK)
    kill_when(instance, v1, lambda: kept(instance) == ["v1.env", "v1.env.proven"])
    assert status(instance).reason == "the activation of v1 has not ended"

    marker = instance.run("activate", v2, 3)

    assert (marker.outcome, marker.version, marker.parameters) == ("restored", "v1", "1")
    assert instance.get() == (200, "v1 one")


def kill_when(instance: Instance, release: Published, moment: Callable[[], bool]) -> None:
    """SIGKILL for the whole process group, as SSM's timeout and cancel do."""
    under_way = instance.start("activate", release, 2)
    eventually("the moment to kill it", moment)
    under_way.kill()
    assert under_way.wait().exit_code is None
