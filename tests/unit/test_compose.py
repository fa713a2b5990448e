"""Compose files as people write them, read as far as a release needs."""

from __future__ import annotations

import pytest

from deployer.core.errors import BadInput
from deployer.image import compose

SEED = b"""\
version: '3.8'
services:
  spring_server:
    image: ${DOCKERHUB_USERNAME}/orange
    env_file:
      - ../.env
    volumes:
      - /var/log/spring-boot:/var/log/spring-boot
  promtail:
    image: grafana/promtail
    env_file: ../.env
    volumes:
      - ./promtail-config.yml:/promtail-config.yml
      - logs:/logs
      - type: bind
        source: ./conf
        target: /conf
      - /anonymous
networks:
  my_custom_network:
    driver: bridge
"""


def test_services_with_their_images_files_and_mounts() -> None:
    app = compose.read({"docker-compose.yml": SEED})
    assert app.version == "3.8"
    assert list(app.services) == ["spring_server", "promtail"]
    server, promtail = app.services.values()
    assert server == compose.Service(
        image="${DOCKERHUB_USERNAME}/orange", env_files=("../.env",), mounts=("/var/log/spring-boot",)
    )
    assert promtail.env_files == ("../.env",)
    assert promtail.mounts == ("./promtail-config.yml", "./conf")


def test_later_files_override_images_and_add_files() -> None:
    app = compose.read(
        {
            "a.yml": b"services: {web: {image: 'a:1', env_file: a.env}, db: {image: 'db:1'}}",
            "b.yml": b"services: {web: {image: 'b:2', env_file: [{path: b.env}]}, mail: {build: .}}",
        }
    )
    assert app.services["web"] == compose.Service(image="b:2", env_files=("a.env", "b.env"))
    assert app.services["db"].image == "db:1"
    assert app.services["mail"].builds


def test_an_env_file_that_may_be_missing_is_not_asked_for() -> None:
    app = compose.read({"a.yml": b"services: {web: {image: a, env_file: [{path: x.env, required: false}]}}"})
    assert app.services["web"].env_files == ()


def test_files_of_configs_and_secrets() -> None:
    text = b"services: {web: {image: a}}\nconfigs: {c: {file: ./c.conf}, d: {external: true}}\nsecrets: {s: {file: s}}"
    app = compose.read({"a.yml": text})
    assert (app.configs, app.secrets) == (("./c.conf",), ("s",))


def test_anchors_merge_keys_and_composes_own_tags() -> None:
    text = b"""\
x-base: &base
  image: base:1
services:
  web:
    <<: *base
    env_file: !override [only.env]
    volumes: !reset []
"""
    assert compose.read({"a.yml": text}).services["web"] == compose.Service(image="base:1", env_files=("only.env",))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"services:\n  web:\n\timage: a\n", r"docker-compose\.yml:3: not YAML"),
        (b"services: [", r"docker-compose\.yml:1: not YAML"),
        (b"\xff\xfe\x00services", r"docker-compose\.yml: not YAML"),
        (b"a: !!python/object/apply:os.system [id]", "not YAML"),
        (b"[" * 5000, "not YAML"),
        (
            b"x-released: 2024-02-30\nservices: {web: {image: a}}",
            r"docker-compose\.yml:1: .*'2024-02-30' is no timestamp",
        ),
        (b"services:\n  web:\n    image: !!int x", r"docker-compose\.yml:3: .*'x' is no int"),
        (b"x: [!!float x]", "'x' is no float"),
        (b"x: !!bool x", "'x' is no bool"),
        (b"x: !!timestamp x", "'x' is no timestamp"),
        (b"x: !!int ''", "'' is no int"),
        (b"", "not a mapping"),
        (b"- a", "not a mapping"),
        (b"version: '3'", "no services"),
        (b"services: {}", "no services"),
        (b"services: [web]", "services is not a mapping"),
        (b"services: {web: nginx}", r"services\.web is not a mapping"),
        (b"services: {web: {image: 1.5}}", r"services\.web\.image"),
        (b"services: {web: {image: a, volumes: ./a}}", r"services\.web\.volumes"),
        (b"services: {web: {image: a, env_file: [1]}}", r"services\.web\.env_file"),
        (b"services: {web: {image: a, env_file: {path: a}}}", r"services\.web\.env_file"),
        (b"include: [b.yml]\nservices: {web: {image: a}}", "include"),
        (b"services: {web: {extends: base}}", "extends"),
    ],
)
def test_what_is_no_compose_file_is_refused_with_place_and_fix(text: bytes, named: str) -> None:
    with pytest.raises(BadInput, match=named) as refusal:
        compose.read({"docker-compose.yml": text})
    assert refusal.value.fix
