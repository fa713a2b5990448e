"""The registries of the images that are to be built, one or one for each service."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.core.errors import DeployError
from deployer.core.quantities import ImageName
from deployer.doctor import registry
from deployer.doctor.finding import State
from deployer.doctor.situation import Situation
from deployer.github.console import Console
from deployer.inputs import DoctorInputs
from tests.cloud.registry_stub import RegistryStub, running


@pytest.fixture(autouse=True)
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docker-compose.yml").write_text("services: {web: {build: .}, jobs: {build: .}, db: {image: redis}}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


def a_situation(image: str) -> Situation:
    return Situation(DoctorInputs(app="a", bucket="b", auto_scaling_group=("g",), image=ImageName(image)), Console({}))


def test_each_service_with_a_build_has_an_image() -> None:
    built = a_situation("registry.example.com/orange-{service}").images
    assert [each.name for each in built] == ["registry.example.com/orange-web", "registry.example.com/orange-jobs"]
    assert [each.name for each in a_situation("registry.example.com/orange").images] == ["registry.example.com/orange"]
    assert a_situation("").images == ()


def test_the_registry_is_asked_for_every_image() -> None:
    with running(RegistryStub()) as stub:
        found = registry.repository(a_situation(f"{stub.host}/team/{{service}}"))
    assert found.state is State.OK
    assert {path for _, path in stub.requests} == {f"/v2/team/{each}/manifests/latest" for each in ("web", "jobs")}


def test_a_registry_that_refuses_us_is_a_problem() -> None:
    with (
        running(RegistryStub(auth="basic", password="right")) as stub,
        pytest.raises(DeployError, match="does not let"),
    ):
        registry.repository(a_situation(f"{stub.host}/team/{{service}}"))
