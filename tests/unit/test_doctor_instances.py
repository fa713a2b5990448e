"""What the checks make of agents, and of what instances say of themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployer.core.marker import Marker
from deployer.core.orders import Delivery, Reply
from deployer.doctor import instances
from deployer.doctor.finding import Finding, State, ok
from deployer.doctor.situation import Situation
from tests.unit.examined import GROUP, group, situation

GOOD = {"docker": "25.0.3", "compose": "2.26.1", "aws": "2.15.30", "parameters": "readable"}


def agent(instance_id: str, ping: str = "Online", version: str = "3.3.3572.0") -> dict[str, Any]:
    return {"InstanceId": instance_id, "PingStatus": ping, "AgentVersion": version, "IsLatestVersion": True}


def seen(*agents: dict[str, Any], parameters: str = "", takes: bool = True) -> Situation:
    names = ["App", *(["Parameters"] if takes else [])]
    return situation(
        {"parameters": parameters},
        describe_auto_scaling_groups=group(),
        describe_instance_information={"InstanceInformationList": list(agents)},
        describe_document={"Document": {"Hash": "", "Parameters": [{"Name": each} for each in names]}},
    )


def test_all_agents_online() -> None:
    s = seen(agent("i-1"), agent("i-2"))
    assert instances.online(s, GROUP) == Finding("", State.OK, "all 2 are online")
    assert s.online[GROUP] == ["i-1", "i-2"]


def test_who_is_not_online_is_named_with_what_ssm_says() -> None:
    s = seen(agent("i-1", "ConnectionLost"))
    found = instances.online(s, GROUP)
    assert found.said == "2 of 2 are not online in SSM: i-1 (ConnectionLost), i-2 (unknown to SSM)"
    assert (found.state, s.online[GROUP]) == (State.PROBLEM, [])
    assert "ssm:UpdateInstanceInformation" in found.fix


@pytest.mark.parametrize(
    ("version", "state"),
    [("3.3.2746.0", State.OK), ("3.4.0.0", State.OK), ("3.3.2299.0", State.PROBLEM), ("2.3.1", State.PROBLEM)],
)
def test_an_agent_too_old_for_our_document(version: str, state: State) -> None:
    found = instances.agents(seen(agent("i-1", version=version)), GROUP)
    assert (found.state, version in found.said) == (state, True)


def born_with(*names: str) -> Finding:
    """i-1 and i-2 with these instance profiles, beside a launch template that names orange-web-instance."""
    arns = [
        {"IamInstanceProfile": {"Arn": f"arn:aws:iam::1:instance-profile/{each}"}} if each else {} for each in names
    ]
    running = [{"InstanceId": f"i-{n}", **profile} for n, profile in enumerate(arns, 1)]
    data = {"IamInstanceProfile": {"Name": "orange-web-instance"}}
    s = situation(
        describe_auto_scaling_groups=group(),
        describe_launch_template_versions={"LaunchTemplateVersions": [{"LaunchTemplateData": data}]},
        describe_instances={"Reservations": [{"Instances": [each]} for each in running]},
    )
    return instances.profiles(s, GROUP)


def test_instances_with_the_profile_of_the_launch_template() -> None:
    found = born_with("orange-web-instance", "orange-web-instance")
    assert found == ok("all 2 have the instance profile orange-web-instance")


def test_instances_that_keep_the_profile_they_were_born_with_are_named() -> None:
    """The launch template alone looks well, and then the first order fails for want of a permission."""
    found = born_with("by-hand", "")
    assert found.state is State.WARNING
    assert "i-1 (by-hand), i-2 (none)" in found.said
    assert "replace-iam-instance-profile-association --iam-instance-profile Name=orange-web-instance" in found.fix


def answers(monkeypatch: pytest.MonkeyPatch, s: Situation, **said: dict[str, str] | None) -> dict[str, Finding]:
    """The findings where each instance says this of itself; None: it does not answer."""
    marker = Marker("unchanged", "", 0, "")
    replies = {
        name: Reply(name, Delivery.ANSWERED, marker, output=f"host: {json.dumps(host)}\n")
        for name, host in said.items()
        if host is not None
    }
    asked: list[str] = []

    def ask(_commands: object, _clock: object, ids: list[str], parameters: str) -> dict[str, Reply]:
        asked.append(parameters)
        return replies

    monkeypatch.setattr(instances, "ask", ask)
    s.online[GROUP] = sorted(said)
    found = {each.name: each for each in instances.hosts(s, GROUP)}
    assert len(asked) == 1
    return {**found, "asked": ok(f"the instances were asked for {asked[0]!r}")}


def test_instances_that_have_all_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    found = answers(monkeypatch, seen(parameters="/orange/env"), a=GOOD, b=GOOD)
    assert [each.state for each in found.values()] == [State.OK] * 4
    assert found[f"docker on {GROUP}"].said == "docker 25.0.3, compose 2.26.1, aws 2.15.30"
    assert found["asked"].said == "the instances were asked for '/orange/env'"


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ({"docker": ""}, "a has no docker engine that answers"),
        ({"compose": ""}, "a has no compose"),
        ({"aws": ""}, "a has no AWS CLI"),
        ({"docker": "19.03.15"}, "a has docker 19.03.15"),
        ({"compose": "1.25.0"}, "a has compose 1.25.0"),
    ],
)
def test_an_instance_that_lacks_something_is_named(
    lacking: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = answers(monkeypatch, seen(), a={**GOOD, **lacking}, b=GOOD)
    assert found[f"docker on {GROUP}"].state is State.PROBLEM
    assert found[f"docker on {GROUP}"].said == said


@pytest.mark.parametrize("version", ["v2.26.1-desktop.1", "1.29.2", "2.40.3+ds1", "dev"])
def test_versions_as_they_are_written_by_others_are_read(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = answers(monkeypatch, seen(), a={**GOOD, "compose": version})
    assert found[f"docker on {GROUP}"].state is State.OK


@pytest.mark.parametrize(
    ("why", "fix"),
    [
        ("AccessDeniedException: not authorized to perform ssm:GetParameter", "ParameterName"),
        ("ParameterNotFound", "aws ssm put-parameter --type SecureString --name /orange/env --value file://.env"),
    ],
)
def test_parameters_that_cannot_be_read(why: str, fix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = answers(monkeypatch, seen(parameters="/orange/env:3"), a={**GOOD, "parameters": why}, b=GOOD)
    about = found[f"parameters on {GROUP}"]
    assert about.said == f"1 of 2 cannot read /orange/env:3: a: {why}"
    assert (about.state, fix in about.fix) == (State.PROBLEM, True)


def test_a_document_that_takes_no_parameters_is_not_given_any(monkeypatch: pytest.MonkeyPatch) -> None:
    found = answers(monkeypatch, seen(parameters="/orange/env", takes=False), a=GOOD)
    assert found["asked"].said == "the instances were asked for ''"
    assert found[f"parameters on {GROUP}"].state is State.NOT_CHECKED


def test_who_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = answers(monkeypatch, seen(), a=GOOD, b=None)
    assert found[""].said == "1 of 2 do not answer an order: b (no answer within a minute)"
