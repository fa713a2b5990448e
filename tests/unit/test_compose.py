"""Compose files as people write them, read as far as a release needs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from deployer.core.errors import BadInput
from deployer.image import compose
from deployer.image.host_ports import HostPorts

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


def read(files: Mapping[str, bytes]) -> compose.Compose:
    """The application of all the files."""
    return compose.read(list(files), files.__getitem__)


def one(text: str, name: str = "web") -> compose.Service:
    return read({"a.yml": text.encode()}).services[name]


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


EXTENDED = {
    "compose.yml": b"""\
include: [db/compose.yml, {path: [mail/compose.yml], project_directory: mail}]
services:
  web: {extends: {file: base/compose.yml, service: base}, env_file: web.env}
  job: {extends: web, image: 'job:1', volumes: ['./x:/conf']}
""",
    "base/compose.yml": b"""\
services:
  root: {image: 'base:1', volumes: ['./conf:/conf', 'data:/data', {type: bind, source: ./logs, target: /logs}, /a:/b]}
  base: {extends: root, env_file: [base.env, {path: maybe.env, required: false}]}
""",
    "db/compose.yml": b"include: [deep/more.yml]\nservices: {db: {image: db, env_file: ../db.env}}\n",
    "db/deep/more.yml": b"services: {more: {image: m, volumes: ['./m:/m']}}\nconfigs: {c: {file: c.conf}}\n",
    "mail/compose.yml": b"""\
services: {mail: {image: mail, env_file: mail.env}}
secrets: {s: {file: ./s}, t: {environment: T}}
""",
}


def test_files_that_are_included_or_extended_count_from_their_own_folders() -> None:
    app = compose.read(["compose.yml"], EXTENDED.__getitem__)
    assert set(app.services) == {"more", "db", "mail", "web", "job"}
    web, job = app.services["web"], app.services["job"]
    assert (web.image, web.env_files) == ("base:1", ("./base/base.env", "web.env"))
    assert web.mounts == ("./base/conf", "./base/logs", "/a")
    assert (job.image, job.mounts) == ("job:1", ("./x", "./base/logs", "/a"))
    assert (app.services["db"].env_files, app.services["more"].mounts) == (("./db.env",), ("./db/deep/m",))
    assert (app.services["mail"].env_files, app.secrets, app.configs) == (
        ("./mail/mail.env",), {"s": "./mail/s", "t": ""}, {"c": "./db/deep/c.conf"},
    )  # fmt: skip
    assert set(app.files) == set(EXTENDED)


def test_paths_count_from_the_projects_folder_even_in_a_file_of_another() -> None:
    files = {"a/compose.yml": b"services: {web: {image: a}}", "b/prod.yml": b"services: {web: {env_file: ../x.env}}"}
    found = compose.read(list(files), files.__getitem__).services["web"]
    assert found.env_files == ("../x.env",)


def test_what_a_variable_stands_for_is_not_judged() -> None:
    text = (
        b"services: {web: {image: a, pull_policy: '${P}', ports: ['${X}'], stop_grace_period: '${S}', scale: '${N}'}}"
    )
    assert read({"a.yml": text}).services["web"].ports_vary


def test_what_is_included_may_be_named_again_but_not_changed() -> None:
    files = {
        "a.yml": b"include: [b.yml, c.yml]\nservices: {w: {image: w}}\nnetworks: {n: {external: true}, m: {}}",
        "b.yml": b"services: {v: {image: v}}\nnetworks: {n: {external: true}, m: }",
        "c.yml": b"services: {v: {image: v}}",
        "d.yml": b"services: {v: {image: other}}",
    }
    assert compose.read(["a.yml", "d.yml"], files.__getitem__).services["v"].image == "other"


def test_env_files_of_what_is_included_count_from_the_file_that_includes() -> None:
    files = {
        "d/a.yml": b"include: [{path: deep/b.yml, env_file: [a.env, ../b.env]}, ../c.yml]\nservices: {}",
        "d/deep/b.yml": b"services: {b: {image: b, label_file: [./l, m]}}",
        "c.yml": b"services: {c: {image: c, label_file: l}}",
    }
    app = compose.read(["d/a.yml"], files.__getitem__)
    assert (app.env_files, set(app.folders)) == (("./d/a.env", "./b.env"), {"d/deep", ""})
    assert [each.label_files for each in app.services.values()] == [("./deep/l", "./deep/m"), ("../l",)]


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (
            {"a.yml": b"include: [b.yml]\nservices: {w: {image: a}}", "b.yml": b"services: {w: {image: b}}"},
            r"a\.yml: services\.w is another one",
        ),
        (
            {
                "a.yml": b"include: [b.yml, c.yml]\nservices: {}",
                "b.yml": b"volumes: {v: {name: x}}",
                "c.yml": b"volumes: {v: }",
            },
            r"a\.yml: volumes\.v is another one",
        ),
        ({"a.yml": b"include: [b.yml]\nservices: {}", "b.yml": b"include: [a.yml]"}, r"b\.yml: includes a\.yml"),
        ({"a.yml": b"services: {w: {extends: v}, v: {extends: w}}"}, r"services\.\w extends itself"),
        ({"a.yml": b"services: {w: {extends: v}}"}, "no service v"),
        ({"a.yml": b"services: {w: {extends: {file: '${F}', service: x}}}"}, "F} is not a path"),
        ({"a.yml": b"include: ['oci://docker.io/x']\nservices: {}"}, "is not a path"),
    ],
)
def test_what_cannot_be_included_or_extended_is_refused(files: dict[str, bytes], named: str) -> None:
    with pytest.raises(BadInput, match=named) as refusal:
        compose.read(["a.yml"], files.__getitem__)
    assert refusal.value.fix


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
