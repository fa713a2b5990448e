"""Which image a service of a release runs, and the compose file that says so."""

from __future__ import annotations

import pytest
import yaml

from deployer.core.errors import BadInput
from deployer.image import compose, pins, reference
from deployer.image.reference import Reference

OLD, NEW = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def app_of(text: str) -> compose.Compose:
    return compose.read(["docker-compose.yml"], lambda _: text.encode())


def moved_tag(_image: str) -> str:
    return NEW


def never(image: str) -> str:
    raise AssertionError(f"a registry was asked for {image}")


SEED = app_of("services: {web: {image: '${USER}/orange'}, promtail: {image: grafana/promtail}}")


def test_given_image_replaces_what_is_written_and_the_rest_is_pinned() -> None:
    choice = pins.choose(SEED, {"web": f"team/orange@{OLD}"}, pin_images=True)
    assert choice.resolved({}, moved_tag) == {
        "web": f"team/orange@{OLD}",
        "promtail": f"grafana/promtail@{NEW}",
    }


def test_what_the_release_resolved_before_stays_although_the_tag_moved() -> None:
    choice = pins.choose(SEED, {"web": f"team/orange@{OLD}"}, pin_images=True)
    assert choice.resolved({"promtail": f"grafana/promtail@{OLD}"}, never)["promtail"] == f"grafana/promtail@{OLD}"


def test_image_with_a_variable_cannot_be_pinned_and_the_service_is_named() -> None:
    with pytest.raises(BadInput, match=r"service web runs \$\{USER\}/orange") as refusal:
        pins.choose(SEED, {}, pin_images=True)
    assert "service=name@sha256" in refusal.value.fix


def test_without_pinning_images_stay_as_written() -> None:
    choice = pins.choose(SEED, {}, pin_images=False)
    assert choice.floating == {"web": "${USER}/orange", "promtail": "grafana/promtail"}
    assert choice.resolved({}, never) == {}


def test_digest_that_only_a_variable_says_floats() -> None:
    app = app_of("services: {web: {image: 'acme/x@${DIGEST}'}}")
    assert pins.choose(app, {}, pin_images=False).floating == {"web": "acme/x@${DIGEST}"}
    with pytest.raises(BadInput, match="only an instance knows"):
        pins.choose(app, {}, pin_images=True)


def test_an_image_with_a_digest_is_pinned_already() -> None:
    app = app_of(f"services: {{db: {{image: 'postgres:16@{OLD}'}}}}")
    for pin_images in (True, False):
        assert pins.choose(app, {}, pin_images).resolved({}, never) == {"db": f"postgres@{OLD}"}


def test_every_service_without_an_image_is_named_at_once() -> None:
    app = app_of("services: {web: {build: .}, api: {build: ., image: 'a:1'}, job: {command: x}}")
    with pytest.raises(BadInput, match=r"web has a `build`.*api has a `build`.*job has neither"):
        pins.choose(app, {}, pin_images=True)


def test_given_image_for_a_service_that_is_built_is_fine() -> None:
    app = app_of("services: {web: {build: .}}")
    assert pins.choose(app, {"web": f"a@{OLD}"}, pin_images=True).pinned == {"web": f"a@{OLD}"}


DEBUG = app_of("services: {web: {image: a}, debug: {build: ., profiles: [debug]}}")


def test_service_whose_profile_is_not_chosen_needs_no_image() -> None:
    assert pins.choose(DEBUG, {}, pin_images=True).to_resolve == {"web": "a"}
    with pytest.raises(BadInput, match="debug has a `build`"):
        pins.choose(DEBUG, {}, pin_images=True, profiles=["debug"])


def test_given_image_for_a_service_that_does_not_run_is_refused() -> None:
    given = {"debug": f"a@{OLD}"}
    with pytest.raises(BadInput, match="debug, which does not run"):
        pins.choose(DEBUG, given, pin_images=True)
    assert pins.choose(DEBUG, given, pin_images=True, profiles=["*"]).pinned == given


def test_given_image_for_no_service_is_refused_with_the_list_of_services() -> None:
    with pytest.raises(BadInput, match="wev") as refusal:
        pins.choose(SEED, {"wev": f"a@{OLD}"}, pin_images=True)
    assert "web, promtail" in refusal.value.fix


def test_image_that_is_no_name_is_refused() -> None:
    with pytest.raises(BadInput, match="Nginx"):
        pins.choose(app_of("services: {web: {image: Nginx}}"), {}, pin_images=False)


@pytest.mark.parametrize("entry", ["web", "web=", "=a@" + OLD, "web=a:1", "web=a@sha256:12", f"web=A B@{OLD}"])
def test_images_entry_of_another_form_is_refused(entry: str) -> None:
    with pytest.raises(BadInput):
        pins.parse_given([entry])


def test_images_entries() -> None:
    assert pins.parse_given([f"web=localhost:5000/a:v1@{OLD}"]) == {"web": f"localhost:5000/a@{OLD}"}
    with pytest.raises(BadInput, match="twice"):
        pins.parse_given([f"web=a@{OLD}", f"web=a@{NEW}"])


def test_override_says_images_and_nothing_else() -> None:
    app = app_of(f"version: '3.8'\nservices: {{web: {{build: .}}, db: {{image: 'pg@{OLD}'}}, 'no': {{image: x}}}}")
    body = pins.override(app, {"web": f"a@{NEW}", "db": f"pg@{OLD}", "no": f"x@{NEW}"})
    assert yaml.safe_load(body) == {
        "version": "3.8",
        "services": {"web": {"image": f"a@{NEW}"}, "no": {"image": f"x@{NEW}"}},
    }


def test_there_is_no_override_when_all_is_written_as_pinned() -> None:
    assert pins.override(app_of(f"services: {{db: {{image: 'pg@{OLD}'}}}}"), {"db": f"pg@{OLD}"}) == b""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", Reference("nginx", "docker.io", "library/nginx")),
        ("docker.io/nginx:1.27", Reference("docker.io/nginx", "docker.io", "library/nginx", "1.27")),
        ("index.docker.io/nginx", Reference("index.docker.io/nginx", "docker.io", "library/nginx")),
        ("index.docker.io/acme/x", Reference("index.docker.io/acme/x", "docker.io", "acme/x")),
        ("grafana/promtail:3.1", Reference("grafana/promtail", "docker.io", "grafana/promtail", "3.1")),
        ("localhost/a", Reference("localhost/a", "localhost", "a")),
        ("127.0.0.1:5000/a/b:v1", Reference("127.0.0.1:5000/a/b", "127.0.0.1:5000", "a/b", "v1")),
        ("INTERNAL/a", Reference("INTERNAL/a", "INTERNAL", "a")),
        ("registry:5000/a", Reference("registry:5000/a", "registry:5000", "a")),
        (f"ghcr.io/o/a@{OLD}", Reference("ghcr.io/o/a", "ghcr.io", "o/a", "latest", OLD)),
        (f"a-b__c.d:V1@{OLD}", Reference("a-b__c.d", "docker.io", "library/a-b__c.d", "V1", OLD)),
    ],
)
def test_image_names(text: str, expected: Reference) -> None:
    assert reference.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "A", "a:", "a@sha256:1", "/a", "a/", "a b", "a:b:c", "-a", "${X}/a", "a" * 5 + "\n"]
)
def test_no_image_names(text: str) -> None:
    with pytest.raises(BadInput):
        reference.parse(text)
