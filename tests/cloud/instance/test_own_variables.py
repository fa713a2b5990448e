"""What `${…}` in compose files stands for where nothing is in Parameter Store, and what compose says of it in time."""

from __future__ import annotations

from typing import Any

from localcloud.options import CANARY
from tests.cloud.instance.instances import Instance

OWN = b"""\
services:
  spring_server: {container_name: orange, ports: ["${PORT:?is not set}:8080"], environment: ["GREETING=${GREETING}"]}
  promtail: {container_name: promtail}
"""


def with_own_compose_file(manifest: dict[str, Any]) -> None:
    manifest["compose"] = ["own.yml", "compose.images.yml"]
    manifest["environment"]["file"] = ".env"
    manifest["health"]["timeout"] = 30


def test_a_release_without_parameters_may_bring_the_values_itself(instance: Instance) -> None:
    files = {"own.yml": OWN, ".env": b"PORT=8080\nGREETING=of the repository\n"}
    v1 = instance.publish("v1", parameters="", files=files, spoil=with_own_compose_file)

    assert instance.run("prefetch", v1, 1).outcome == "unchanged"
    assert instance.run("activate", v1, 1).outcome == "activated"

    assert instance.get() == (200, "v1 of the repository")
    assert instance.run("activate", v1, 2).outcome == "unchanged"


def test_a_file_of_the_repository_has_no_say_beside_parameters(instance: Instance) -> None:
    instance.ssm.put_parameter(Name="/own/env", Value="PORT=8080\nGREETING=kept apart", Type="SecureString")
    files = {"own.yml": OWN, ".env": b"PORT=8081\nGREETING=of the repository\n"}
    v1 = instance.publish("v1", parameters="/own/env", files=files, spoil=with_own_compose_file)

    assert instance.run("activate", v1, 1).outcome == "activated"

    assert instance.get() == (200, "v1 kept apart")


def test_what_compose_refuses_fails_the_prefetch_and_is_told_without_secrets(instance: Instance) -> None:
    instance.ssm.put_parameter(Name="/own/bad", Value=f"PORT={CANARY}", Type="SecureString")
    missing = instance.publish("v1", parameters="", files={"own.yml": OWN}, spoil=with_own_compose_file)
    malformed = instance.publish("v2", parameters="/own/bad", files={"own.yml": OWN}, spoil=with_own_compose_file)

    said = [instance.run("prefetch", each, 1) for each in (missing, malformed)]

    assert [each.outcome for each in said] == ["failed", "failed"]
    assert said[0].reason == "docker compose config failed: required variable PORT is missing a value: is not set"
    assert said[1].reason.startswith("docker compose config failed: port '***:8080'")
    assert instance.containers() == {}
