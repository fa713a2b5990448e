"""What the checks make of target groups, before a first release and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployer.core.release import Desired
from deployer.doctor import traffic
from deployer.doctor.finding import Finding, State
from deployer.doctor.situation import Situation
from tests.unit.examined import ARN, GROUP, group, situation

RELEASED = Desired(1, "v1", "0" * 64, None, "2026-01-01T00:00:00Z", "somebody")
CHECKS = {
    "TargetGroupName": GROUP,
    "HealthCheckProtocol": "HTTP",
    "HealthCheckPath": "/health",
    "Matcher": {"HttpCode": "200"},
    "HealthCheckIntervalSeconds": 10,
    "HealthCheckTimeoutSeconds": 5,
    "HealthyThresholdCount": 2,
    "UnhealthyThresholdCount": 2,
}


def target(state: str, reason: str = "", description: str = "") -> dict[str, Any]:
    return {"Target": {"Id": "i-1"}, "TargetHealth": {"State": state, "Reason": reason, "Description": description}}


def behind(monkeypatch: pytest.MonkeyPatch, *targets: dict[str, Any], desired: Desired | None = RELEASED) -> Situation:
    monkeypatch.setattr(Situation, "desired", lambda _self, _name: desired)
    return situation(
        describe_auto_scaling_groups=group(), describe_target_health={"TargetHealthDescriptions": list(targets)}
    )


def test_healthy_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    found = traffic.health(behind(monkeypatch, target("healthy"), target("initial")), GROUP, ARN)
    assert found == Finding("", State.OK, "1 of 2 targets are healthy")


def test_unhealthy_targets_are_told_in_the_words_of_the_load_balancer(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = target("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]")
    found = traffic.health(behind(monkeypatch, target("healthy"), wrong), GROUP, ARN)
    assert found.said == "1 of 2 targets are unhealthy: i-1: Health checks failed with these codes: [404]"
    assert (found.state, f"modify-target-group --health-check-path PATH --target-group-arn {ARN}" in found.fix) == (
        State.PROBLEM,
        True,
    )


def test_before_the_first_release_nothing_can_be_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    found = traffic.health(behind(monkeypatch, target("unhealthy"), desired=None), GROUP, ARN)
    assert found.state is State.NOT_CHECKED


def test_a_target_group_nobody_forwards_to(monkeypatch: pytest.MonkeyPatch) -> None:
    found = traffic.health(behind(monkeypatch, target("unused", "Target.NotInUse"), desired=None), GROUP, ARN)
    assert (found.state, found.said) == (State.WARNING, "no listener forwards to it")


def test_an_instance_in_a_zone_the_load_balancer_does_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    found = traffic.health(behind(monkeypatch, target("healthy"), target("unused", "Target.NotInUse")), GROUP, ARN)
    assert found.state is State.WARNING
    assert found.said == "i-1 gets no requests: the load balancer is not enabled in its availability zone"


@pytest.mark.parametrize(
    ("kind", "desired", "state"),
    [
        ("EC2", None, State.OK),
        ("ELB", RELEASED, State.OK),
        ("ELB", None, State.WARNING),
        ("EC2,ELB", None, State.WARNING),
    ],
)
def test_a_group_that_would_replace_instances_for_running_nothing(
    kind: str, desired: Desired | None, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Situation, "desired", lambda _self, _name: desired)
    s = situation(describe_auto_scaling_groups=group(HealthCheckType=kind))
    assert traffic.replacement(s, GROUP).state is state


@pytest.mark.parametrize(
    ("changes", "url", "state"),
    [
        ({}, "http://localhost:8080/health", State.OK),
        ({}, "", State.OK),
        ({}, "http://localhost:8080/health?deep=1", State.OK),
        ({}, "http://localhost:8080", State.WARNING),
        ({"HealthCheckPath": "/"}, "http://localhost:8080", State.OK),
        ({"HealthCheckPath": "/ready"}, "http://localhost:8080/health", State.WARNING),
        ({"HealthCheckPath": "", "HealthCheckProtocol": "TCP"}, "", State.WARNING),
    ],
)
def test_what_the_load_balancer_asks_for(changes: dict[str, str], url: str, state: State) -> None:
    s = situation({"health_check": url}, describe_target_groups={"TargetGroups": [{**CHECKS, **changes}]})
    assert traffic.path(s, ARN).state is state


def test_the_way_to_another_path_can_be_pasted() -> None:
    s = situation({"health_check": "http://x/ready"}, describe_target_groups={"TargetGroups": [CHECKS]})
    assert (
        traffic.path(s, ARN).fix == f"aws elbv2 modify-target-group --health-check-path /ready --target-group-arn {ARN}"
    )


@pytest.mark.parametrize(("interval", "state"), [(10, State.OK), (60, State.OK), (61, State.WARNING)])
def test_how_long_an_instance_waits_to_take_part(interval: int, state: State) -> None:
    checks = {**CHECKS, "HealthCheckIntervalSeconds": interval}
    found = traffic.thresholds(situation(describe_target_groups={"TargetGroups": [checks]}), ARN)
    assert (found.state, f"{2 * interval} s" in found.said) == (state, True)


@pytest.mark.parametrize(
    ("delay", "compose", "state"),
    [
        ("30", "", State.OK),
        ("30", "services: {web: {image: x}}", State.OK),
        ("30", "services: {web: {image: x, stop_grace_period: 1m}}", State.WARNING),
        ("9", "services: {web: {image: x}}", State.WARNING),
        ("300", "", State.WARNING),
        (None, "", State.WARNING),
    ],
)
def test_how_gently_an_instance_leaves(
    delay: str | None, compose: str, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if compose:
        (tmp_path / "docker-compose.yml").write_text(compose)
    attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": delay}] if delay else []
    found = traffic.draining(situation(describe_target_group_attributes={"Attributes": attributes}), ARN)
    assert found.state is state, found
