"""Compose files as people write them, read as far as a release needs."""

from __future__ import annotations

import pytest

from deployer.core.errors import BadInput
from deployer.image import compose
from deployer.image.host_ports import HostPorts
from tests.unit.compose_text import one, read

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
    app = read({"docker-compose.yml": SEED})
    assert app.version == "3.8"
    assert list(app.services) == ["spring_server", "promtail"]
    server, promtail = app.services.values()
    assert server == compose.Service(
        image="${DOCKERHUB_USERNAME}/orange", env_files=("../.env",), mounts=("/var/log/spring-boot",)
    )
    assert promtail.env_files == ("../.env",)
    assert promtail.mounts == ("./promtail-config.yml", "./conf")


def test_later_files_override_images_and_add_files() -> None:
    app = read(
        {
            "a.yml": b"services: {web: {image: 'a:1', env_file: a.env}, db: {image: 'db:1'}}",
            "b.yml": b"services: {web: {image: 'b:2', env_file: [{path: b.env}]}, mail: {build: .}}",
        }
    )
    assert app.services["web"] == compose.Service(image="b:2", env_files=("a.env", "b.env"))
    assert app.services["db"].image == "db:1"
    assert app.services["mail"].builds


def test_an_env_file_that_may_be_missing_is_not_asked_for() -> None:
    app = read({"a.yml": b"services: {web: {image: a, env_file: [{path: x.env, required: false}]}}"})
    assert app.services["web"].env_files == ()


def test_files_of_configs_and_secrets() -> None:
    text = b"""\
services: {web: {image: a, configs: [c, {source: d, target: /d}], secrets: [s]}, db: {build: {secrets: [s]}}}
configs: {c: {file: ./c.conf}, d: {external: true}}
secrets: {s: {file: s}}
"""
    app = read({"a.yml": text})
    assert (app.configs, app.secrets) == ({"c": "./c.conf", "d": ""}, {"s": "s"})
    assert (app.services["web"].configs, app.services["web"].secrets) == (("c", "d"), ("s",))
    assert app.services["db"].secrets == ()


def test_anchors_merge_keys_and_composes_own_tags() -> None:
    text = b"""\
x-base: &base
  image: base:1
  env_file: base.env
x-more: &more
  <<: *base
  image: more:1
services:
  web:
    <<: [*base, *more]
    env_file: !override [only.env]
    volumes: !reset []
"""
    assert read({"a.yml": text}).services["web"] == compose.Service(image="base:1", env_files=("only.env",))


def test_words_are_what_compose_takes_them_for() -> None:
    text = (
        b"services: {web: {image: a, restart: no, ports: [22:22], environment: {A: on, B: 2024-02-30, C: 0o7, D: =}}}"
    )
    assert read({"a.yml": text}).services["web"].ports == (HostPorts(22, 22),)


def test_a_value_that_is_reset_or_overridden_is_no_more() -> None:
    base = b"services: {web: {image: a, env_file: a.env, volumes: ['./a:/a', './b:/b'], ports: ['80:80']}}"
    over = b"services: {web: {env_file: !reset [], volumes: ['./c:/b'], ports: !override ['81:80']}}"
    last = b"services: {web: {env_file: c.env, ports: ['82:82']}}"
    found = read({"a.yml": base, "b.yml": over, "c.yml": last}).services["web"]
    assert (found.env_files, found.mounts) == (("c.env",), ("./a", "./c"))
    assert found.ports == (HostPorts(81, 81), HostPorts(82, 82))


def test_a_service_that_is_reset_is_gone_and_one_that_is_overridden_stands_for_itself() -> None:
    base = b"services: {web: {image: a, env_file: a.env}, old: {image: o}}"
    over = b"services: {web: !override {image: b}, old: !reset null}"
    found = read({"a.yml": base, "b.yml": over}).services
    assert (list(found), found["web"].image, found["web"].env_files) == (["web"], "b", ())
    whole = read({"a.yml": base, "b.yml": b"services: !override {db: {image: d}}"}).services
    assert list(whole) == ["db"]


def test_what_is_written_twice_is_one_for_compose() -> None:
    found = one("services: {web: {image: a, ports: ['80:80', '80:80'], volumes: ['./x:/x', './x:/x']}}")
    assert (set(found.ports), found.mounts) == ({HostPorts(80, 80)}, ("./x",))


def test_conditions_may_be_laid_over_a_list_of_needs() -> None:
    base = b"services: {web: {image: a, depends_on: [db]}, db: {image: d}}"
    over = b"services: {web: {depends_on: {cache: {condition: service_started}}}, cache: {image: c}}"
    assert read({"a.yml": base, "b.yml": over}).services["web"].needs == ("db", "cache")


def test_what_a_service_needs_and_takes() -> None:
    needs = "{db: {condition: service_started}, m: {condition: service_started, required: false}}"
    web = f"{{image: a, container_name: ww, profiles: [x, y], depends_on: {needs}, deploy: {{replicas: 2}}}}"
    text = f"services: {{web: {web}, n: {{image: a, network_mode: host}}}}"
    found = one(text)
    assert (found.container_name, found.profiles, found.needs, found.replicas) == ("ww", ("x", "y"), ("db",), 2)
    assert one("services: {web: {image: a, scale: '${N}', depends_on: [db]}}") == compose.Service(
        image="a", needs=("db",), variables=("N",)
    )
    assert one(text, "n").on_host_network


def test_what_a_service_shares_with_others() -> None:
    text = """services:
  web:
    image: a
    network_mode: service:vpn
    pid: container:other
    ipc: host
    volumes_from: [data:ro, container:older:rw]
    links: [db:database, "${X}"]
    depends_on: [db]
"""
    found = one(text)
    assert (found.needs, found.joins) == (("db", "vpn", "data"), ("other", "older"))


def test_volumes_and_networks_are_known_by_their_names() -> None:
    text = """services:
  web:
    image: a
    volumes: [data:/data, /anonymous, conf/x:/x, {type: volume, source: long, target: /l}, {type: tmpfs, target: /t}]
    networks: {front: {aliases: [w]}, back: }
volumes: {data: , long: }
networks: {front: }
"""
    app = read({"a.yml": text.encode(), "b.yml": b"services: {web: {networks: [more], volumes: ['new:/data']}}"})
    web = app.services["web"]
    assert (web.volumes, web.networks) == (("new", "conf/x", "long"), ("front", "back", "more"))
    assert (app.volumes, app.networks) == (("data", "long"), ("default", "front"))


def test_variables_that_nobody_gives_a_default() -> None:
    text = """services:
  web:
    image: $IMAGE
    build: $BUILD
    ports: ["${PORT}:80", "${OTHER:-${INNER}}:81"]
    environment: {A: $B, C: $$D, E: "${F:?must}${G?}", H: "${I-x}${J:+y}", PATH: "$PATH:${HOME}/bin"}
networks: {n: {name: "${N}"}}
"""
    app = read({"a.yml": text.encode()})
    assert (app.services["web"].variables, app.variables) == (("PORT", "INNER", "B", "F", "G"), ("N",))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("8080", None),
        ("'8080:80'", HostPorts(8080, 8080)),
        ("127.0.0.1:53:53/udp", HostPorts(53, 53, "127.0.0.1", "udp")),
        ("0.0.0.0:80:80", HostPorts(80, 80)),
        ("'[::1]:80:80'", HostPorts(80, 80, "[::1]")),
        ("8000-8009:80", HostPorts(8000, 8009)),
        ("{target: 80, published: '8080', host_ip: 10.0.0.1}", HostPorts(8080, 8080, "10.0.0.1")),
        ("{target: 80, published: 8080-8081, protocol: udp}", HostPorts(8080, 8081, "", "udp")),
        ("{target: 80}", None),
        ("'${PORT}:80'", None),
    ],
)
def test_ports_of_the_host(written: str, expected: HostPorts | None) -> None:
    found = one(f"services: {{web: {{image: a, ports: [{written}]}}}}")
    assert found.ports == ((expected,) if expected else ())
    assert found.ports_vary == ("$" in written)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"services:\n  web:\n\timage: a\n", r"docker-compose\.yml:3: not YAML"),
        (b"services: [", r"docker-compose\.yml:1: not YAML"),
        (b"\xff\xfe\x00services", r"docker-compose\.yml: not YAML"),
        (b"a: !!python/object/apply:os.system [id]", "not YAML"),
        (b"[" * 5000, "not YAML"),
        (b"services:\n  web:\n    image: !!int x", r"docker-compose\.yml:3: .*'x' is no int"),
        (b"x: [!!float x]", "'x' is no float"),
        (b"x: !!bool x", "'x' is no bool"),
        (b"x: !!timestamp x", "'x' is no timestamp"),
        (b"x: !!int ''", "'' is no int"),
        (b"services:\n  web:\n    image: a\n    image: b", r"docker-compose\.yml:4: .*image is there twice, .* line 3"),
        (b"services:\n  web: {image: a}\n  web: {image: b}", r"docker-compose\.yml:3: .*web is there twice"),
        (b"", "not a mapping"),
        (b"- a", "not a mapping"),
        (b"version: '3'", "no services"),
        (b"services: {}", "no services"),
        (b"services: [web]", r"docker-compose\.yml:1: services: "),
        (b"services: {web: nginx}", r"services\.web: 'nginx' is not of type 'object'"),
        (
            b"services:\n  web:\n    image: 1.5",
            r"docker-compose\.yml:3: services\.web\.image: 1\.5 is not of type 'string'",
        ),
        (b"services: {web: {image: a, volumes: ./a}}", r"services\.web\.volumes: './a' is not of type 'array'"),
        (b"services: {web: {image: a, env_file: [1]}}", r"services\.web\.env_file"),
        (b"services: {web: {image: a, env_file: {path: a}}}", r"services\.web\.env_file"),
        (b"services:\n  web:\n    image: a\n    restrt: no", r"yml:4: compose knows no services\.web\.restrt"),
        (b"services:\n  web: {image: a}\nvolume:\n  data:", r"yml:3: compose knows no volume\n"),
        (b"services: {web: {image: a}}\nnetworks:", r"networks: None is not of type 'object'"),
        (b"version: 3.8\nservices: {web: {image: a}}", "version: 3.8 is not of type 'string'"),
        (b"x-b: &b {restrt: no}\nservices:\n  web:\n    <<: *b\n    image: a", r"yml:1: .*services\.web\.restrt"),
    ],
)
def test_what_is_no_compose_file_is_refused_with_place_and_fix(text: bytes, named: str) -> None:
    with pytest.raises(BadInput, match=named) as refusal:
        read({"docker-compose.yml": text})
    assert refusal.value.fix
