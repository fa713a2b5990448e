"""What an instance says of itself before the marker when it is asked for its status."""

from __future__ import annotations

import re

import pytest

from deployer.core.host import READABLE, Host, find_host
from tests.cloud.instance.instances import DOTENV, PARAMETER, Instance


def host_of(instance: Instance, parameters: str = "") -> Host:
    instance.run("status", environment={"SSM_Parameters": parameters})
    assert instance.last is not None
    found = find_host(instance.last.stdout)
    assert found is not None, instance.last
    return found


def test_before_anything_runs_versions_and_parameters_are_known(instance: Instance) -> None:
    host = host_of(instance, PARAMETER)

    assert all(re.fullmatch(r"\d+\.\d+\.\d+", each) for each in (host.docker, host.compose, host.aws)), host
    assert host.parameters == READABLE


def test_a_release_that_runs_changes_nothing_about_it(serving: Instance) -> None:
    assert host_of(serving, PARAMETER).parameters == READABLE


def test_nobody_asked_for_parameters(instance: Instance) -> None:
    assert host_of(instance).parameters == ""


@pytest.mark.parametrize(
    ("parameters", "said"), [("/no/such", "ParameterNotFound"), ("/no/such/", "there are none below /no/such/")]
)
def test_parameters_that_cannot_be_read_are_told_in_the_words_of_aws(
    instance: Instance, parameters: str, said: str
) -> None:
    assert said in host_of(instance, parameters).parameters


def test_a_path_of_parameters_can_be_read(instance: Instance) -> None:
    instance.ssm.put_parameter(Name="/host/env/GREETING", Value="hello", Type="SecureString", Overwrite=True)

    assert host_of(instance, "/host/env/").parameters == READABLE


def test_no_value_of_a_parameter_is_ever_said(instance: Instance) -> None:
    host_of(instance, PARAMETER)

    assert instance.last is not None
    said = instance.last.stdout + instance.last.stderr
    assert not any(line.partition("=")[2] in said for line in DOTENV.splitlines())
