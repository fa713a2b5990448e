"""What an instance cannot give to the services of compose files."""

from __future__ import annotations

import pytest

from deployer.core.errors import BadInput
from deployer.image import compose, compose_clashes
from deployer.image.compose import Compose

URL = "http://localhost:8080/health"


def app_of(text: str) -> Compose:
    return compose.read(["docker-compose.yml"], lambda _: text.encode())


def said(text: str, url: str = URL, profiles: tuple[str, ...] = ()) -> list[str]:
    app = app_of(text)
    compose_clashes.check(app, profiles)
    return list(compose_clashes.warnings(app, app.running(profiles), url))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a: {image: i, container_name: nn, deploy: {replicas: 2}}", "service a has 2 replicas and a container_name"),
        ("a: {image: i, container_name: nn}, b: {image: i, container_name: nn}", "a and b both .* container_name nn"),
        ("a: {image: i, ports: ['80:80']}, b: {image: i, ports: ['0.0.0.0:80:8080']}", "a and b all publish port 80"),
        ("a: {image: i, ports: ['80:80']}, b: {image: i, ports: ['127.0.0.1:80:1']}", "a and b all publish port 80"),
        ("a: {image: i, ports: ['80:80'], scale: 3}", "the 3 replicas of service a all publish port 80"),
        ("a: {image: i, depends_on: [b]}", "service a depends on b, which is no service"),
        ("a: {image: i, depends_on: [b]}, b: {image: i, profiles: [x]}", "on b, which does not run without .* x"),
        ("a: {image: i, profiles: [x]}", "nothing would run"),
        ("a: {image: i, configs: [c], secrets: [{source: s}]}", "service a uses config c, secret s, which is nowhere"),
        ("a: {image: i, volumes: ['data:/x']}", "service a uses volume data, .*\n.*a folder is ./data"),
        ("a: {image: i, volumes: [{type: volume, source: d, target: /x}]}", "a uses volume d, which is nowhere"),
        ("a: {image: i, networks: [n]}", "service a uses network n, which is nowhere"),
        ("a: {image: i, network_mode: 'service:nope'}", "service a depends on nope, which is no service"),
        ("a: {image: i, links: ['b:x']}, b: {image: i, profiles: [x]}", "on b, which does not run without .* x"),
        ("a: {image: i, secrets: [s]}}, secrets: {s: {external: true}", "service a uses secret s, which is external"),
        ("a: {image: i, configs: [{source: c}]}}, configs: {c: {external: true}", "uses config c, which is external"),
    ],
)  # fmt: skip
def test_what_no_instance_could_start_is_refused(text: str, named: str) -> None:
    with pytest.raises(BadInput, match=named) as refusal:
        said(f"{{services: {{{text}}}}}")
    assert refusal.value.fix


@pytest.mark.parametrize(
    "text",
    [
        "a: {image: i, container_name: nn, ports: ['8080:80']}, b: {image: i, container_name: nn, profiles: [x]}",
        "a: {image: i, ports: ['8080:80']}, b: {image: i, ports: ['8080:80/udp', '81:80', '80']}",
        "a: {image: i, ports: ['10.0.0.1:8080:80']}, b: {image: i, ports: ['10.0.0.2:8080:80']}",
        "a: {image: i, ports: ['8080-8089:80'], deploy: {replicas: 5}}",
        "a: {image: i, ports: ['8080:80'], network_mode: host}, b: {image: i, ports: ['8080:80']}",
        "a: {image: i, ports: ['${PORT}:80'], scale: 2}",
        "a: {image: i, volumes: ['./a:/a', '/b:/b', '~/c:/c', '${D}:/d', 'x${D}:/e', /f], networks: [default]}",
        "a: {image: i, profiles: [x], volumes: ['data:/x'], networks: [n], secrets: [s]}, b: {image: i}",
        "a: {image: i, container_name: aa}, b: {image: i, network_mode: 'container:aa'}",
        "a: {image: i, ports: ['8080:80'], depends_on: {b: {condition: service_started, required: false}}}, "
        "b: {image: i, profiles: [x]}",
    ],
)
def test_what_fits_on_an_instance_is_not_spoken_of(text: str) -> None:
    assert said(f"services: {{{text}}}", "") == []


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        (URL, True),
        ("http://127.0.0.1:81/", False),
        ("http://localhost/", True),
        ("https://localhost/", True),
        ("http://10.0.0.1:8080/", False),
        ("", False),
        ("http://[bad", False),
    ],
)
def test_health_check_of_a_port_that_nobody_publishes_is_warned_of(url: str, warned: bool) -> None:
    found = said(
        "services: {a: {image: i, ports: ['81:80', 8080]}, b: {image: i, ports: ['8080:80'], profiles: [x]}}", url
    )
    assert ["no instance will be found healthy" in each for each in found] == [True] * warned


def test_networks_and_volumes_that_must_be_there_are_named() -> None:
    text = (
        "services: {a: {image: i}}\nnetworks: {proxy: {external: true}, own: }\nvolumes: {data: {external: {name: d}}}"
    )
    assert [each.split(" is ")[0] for each in said(text, "")] == ["network proxy", "volume data"]


def test_a_container_of_somebody_else_is_named() -> None:
    found = said("services: {a: {image: i, network_mode: 'container:vpn'}}", "")
    assert [each.partition(":")[0] for each in found] == ["service a joins container vpn"]


def test_profiles_are_those_of_the_compose_files() -> None:
    text = "services: {a: {image: i}, b: {image: i, profiles: [x]}, c: {image: i, profiles: [y]}}"
    assert said(text, "", ("x", "y")) == said(text, "", ("*",)) == []
    with pytest.raises(BadInput, match="no service has the profile z") as refusal:
        said(text, "", ("x", "z"))
    assert "x, y" in refusal.value.fix
    with pytest.raises(BadInput, match="no service has the profile z"):
        said("services: {a: {image: i}}", "", ("z",))
