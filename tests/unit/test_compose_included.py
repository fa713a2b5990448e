"""Compose files made of others: what is included or extended, and from where its paths count."""

from __future__ import annotations

import pytest

from deployer.core.errors import BadInput
from deployer.image import compose
from tests.unit.compose_text import read

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
