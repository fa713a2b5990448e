"""What a tag stands for, asked of a registry over HTTP, logged in or not."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.core.errors import BadInput, Refused
from deployer.image import credentials
from deployer.image.reference import Reference, parse
from deployer.image.registry import Registries
from tests.cloud.registry_stub import RegistryStub, running


@pytest.fixture
def registry() -> Iterator[RegistryStub]:
    with running(RegistryStub()) as stub:
        yield stub


def nobody(_host: str) -> None:
    return None


def user(_host: str) -> tuple[str, str]:
    return "user", "secret"


def image(registry: RegistryStub, name: str = "team/orange:v1") -> Reference:
    return parse(f"{registry.host}/{name}")


def test_digest_of_a_tag_takes_one_request_and_no_download(registry: RegistryStub) -> None:
    digest = registry.add("team/orange", "v1")
    assert Registries(nobody).digest(image(registry)) == digest
    assert registry.requests == [("HEAD", "/v2/team/orange/manifests/v1")]


def test_digest_of_an_image_for_several_platforms_is_its_index(registry: RegistryStub) -> None:
    digest = registry.add("team/orange", "v1", index=True)
    assert Registries(nobody).digest(image(registry)) == digest


def test_registry_that_does_not_say_the_digest_is_hashed(registry: RegistryStub) -> None:
    registry.says_digest = False
    digest = registry.add("team/orange", "v1")
    assert Registries(nobody).digest(image(registry)) == digest


def test_token_is_fetched_once_for_a_repository(registry: RegistryStub) -> None:
    registry.auth = "bearer"
    digest = registry.add("team/orange", "v1")
    registries = Registries(nobody)
    assert {registries.digest(image(registry)) for _ in range(2)} == {digest}
    tokens = [path for _, path in registry.requests if path.startswith("/token")]
    assert tokens == ["/token?service=stub&scope=repository%3Ateam%2Forange%3Apull"]


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_private_image_is_read_with_the_login(registry: RegistryStub, auth: str) -> None:
    registry.auth, registry.password = auth, "secret"
    digest = registry.add("team/orange", "v1")
    assert Registries(user).digest(image(registry)) == digest


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_password_may_hold_any_letter(registry: RegistryStub, auth: str) -> None:
    registry.auth, registry.password = auth, "pässwörd-€-密"
    digest = registry.add("team/orange", "v1")
    assert Registries(lambda _: ("user", "pässwörd-€-密")).digest(image(registry)) == digest


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_private_image_without_a_login_is_refused_with_the_way_to_log_in(registry: RegistryStub, auth: str) -> None:
    registry.auth, registry.password = auth, "other"
    registry.add("team/orange", "v1")
    with pytest.raises(Refused, match="no credentials") as refusal:
        Registries(nobody).digest(image(registry))
    assert f"docker login {registry.host}" in refusal.value.fix
    with pytest.raises(Refused, match="were refused"):
        Registries(user).digest(image(registry))


@pytest.mark.parametrize("realm", ["http://auth.example.com/token", "ftp://127.0.0.1/", "not a url", "http://["])
def test_password_is_not_sent_in_the_clear_to_another_host(registry: RegistryStub, realm: str) -> None:
    registry.auth, registry.realm = "bearer", realm
    registry.add("team/orange", "v1")
    with pytest.raises(Refused, match="unknown kind"):
        Registries(user).digest(image(registry))


def test_netrc_does_not_get_in_the_way(registry: RegistryStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password wrong\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    registry.auth, registry.password = "bearer", "secret"
    digest = registry.add("team/orange", "v1")
    assert Registries(user).digest(image(registry)) == digest


def test_missing_tag_is_bad_input(registry: RegistryStub) -> None:
    registry.add("team/orange", "v1")
    with pytest.raises(BadInput, match="team/orange:v2"):
        Registries(nobody).digest(image(registry, "team/orange:v2"))


def test_registry_that_stumbles_is_asked_again(registry: RegistryStub) -> None:
    registry.failures = 2
    digest = registry.add("team/orange", "v1")
    assert Registries(nobody).digest(image(registry)) == digest


def test_registry_that_stays_down_is_refused(registry: RegistryStub) -> None:
    registry.failures = 99
    with pytest.raises(Refused, match="answered 503"):
        Registries(nobody).digest(image(registry))


def test_registry_that_is_not_there_is_refused(registry: RegistryStub) -> None:
    gone = image(registry)
    with running(RegistryStub()) as other:
        gone = parse(f"{other.host}/a:v1")
    with pytest.raises(Refused, match="got no answer"):
        Registries(nobody).digest(gone)


@pytest.mark.parametrize("index", [False, True])
def test_labels_of_an_image(registry: RegistryStub, index: bool) -> None:
    digest = registry.add("team/orange", "v1", {"org.opencontainers.image.revision": "abc"}, index=index)
    found = Registries(nobody).labels(image(registry))
    assert found == (digest, {"org.opencontainers.image.revision": "abc"})


def test_labels_of_an_image_without_labels_and_of_no_image(registry: RegistryStub) -> None:
    digest = registry.add("team/orange", "v1")
    assert Registries(nobody).labels(image(registry)) == (digest, {})
    assert Registries(nobody).labels(image(registry, "team/orange:v2")) is None


@pytest.mark.parametrize(
    "manifest",
    [
        {"manifests": [{}]},
        {"manifests": ["text"]},
        {"manifests": [{"digest": "../../token", "platform": {"architecture": "amd64"}}]},
        {"config": {}},
        {"config": None},
        {"config": {"digest": 1}},
    ],
)
def test_manifest_that_is_none_is_refused(registry: RegistryStub, manifest: dict[str, object]) -> None:
    registry.put("team/orange", "v1", manifest)
    with pytest.raises(Refused, match="manifest of team/orange:v1") as refusal:
        Registries(nobody).labels(image(registry))
    assert refusal.value.fix


@pytest.mark.parametrize("listed", [None, [], 5])
def test_index_of_nothing_has_no_labels(registry: RegistryStub, listed: object) -> None:
    registry.put("team/orange", "v1", {"manifests": listed})
    found = Registries(nobody).labels(image(registry))
    assert found is not None
    assert found[1] == {}


@pytest.mark.parametrize("config", [{"config": []}, {"config": {"Labels": ["a"]}}, {"config": {"Labels": None}}])
def test_odd_configuration_of_an_image_has_no_labels(registry: RegistryStub, config: dict[str, object]) -> None:
    registry.put("team/orange", "v1", {"config": {"digest": registry.put_blob("team/orange", config)}})
    found = Registries(nobody).labels(image(registry))
    assert found is not None
    assert found[1] == {}


def docker_config(folder: Path, config: object) -> dict[str, str]:
    (folder / "config.json").write_text(json.dumps(config))
    return {"DOCKER_CONFIG": str(folder), "PATH": f"{folder}:/usr/bin:/bin"}


def test_login_of_docker_is_found(tmp_path: Path) -> None:
    hub = "https://index.docker.io/v1/"
    auth = {"auth": base64.b64encode(b"user:sec:ret").decode()}
    env = docker_config(tmp_path, {"auths": {hub: auth, "localhost:5000": auth, "broken": {"auth": "?"}}})
    assert credentials.from_docker(env, "docker.io") == ("user", "sec:ret")
    assert credentials.from_docker(env, "localhost:5000") == ("user", "sec:ret")
    assert credentials.from_docker(env, "broken") is None
    assert credentials.from_docker(env, "ghcr.io") is None


def test_credential_helper_of_docker_is_asked(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-stub"
    helper.write_text('#!/bin/sh\nread server\nprintf \'{"Username":"%s","Secret":"s"}\' "$server"\n')
    helper.chmod(0o755)
    env = docker_config(tmp_path, {"credHelpers": {"ghcr.io": "stub", "quay.io": "absent", "x": "../stub"}})
    assert credentials.from_docker(env, "ghcr.io") == ("ghcr.io", "s")
    assert credentials.from_docker(env, "quay.io") is None
    assert credentials.from_docker(env, "x") is None


@pytest.mark.parametrize("config", [[], {"auths": []}, {"auths": {"ghcr.io": 1}}, {"credHelpers": 1}])
def test_damaged_docker_config_is_nobody(tmp_path: Path, config: object) -> None:
    assert credentials.from_docker(docker_config(tmp_path, config), "ghcr.io") is None
