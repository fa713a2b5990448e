"""Compose files cut down to their build sections, and the definition that is laid over them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.core.errors import BadInput
from deployer.image.bake import Sections, arguments, definition, sections, settled
from deployer.image.build import Build
from deployer.image.compose_yaml import RESET, Override, parse

BUILD = Build(image="registry.example.com/orange-web.1", tags=("v1", "sha-abc"), service="web.1")


def found(files: Mapping[str, str], *profiles: str) -> Sections:
    """The sections of compose files by path; those in folders are only reached from the first."""
    named = [path for path in files if "/" not in path] or list(files)
    return sections(named, lambda path: files[path].encode(), profiles)


def cut(*texts: str) -> list[object]:
    return [json.loads(each) for each in found({f"{number}.yml": text for number, text in enumerate(texts)}).files]


def test_nothing_but_build_sections_is_left() -> None:
    text = """\
services:
  web:
    image: ${WEB:?}
    build: {context: ., args: {A: 1}, secrets: [npm, {source: pip, target: p}]}
    environment: ['B=${B:?}']
    secrets: [db]
  db: {image: postgres, build: .}
secrets: {npm: {environment: NPM}, pip: {file: pip}, db: {file: '${DB:?}'}}
"""
    build = {"context": ".", "args": {"A": 1}, "secrets": ["npm", {"source": "pip", "target": "p"}]}
    assert cut(text) == [
        {
            "services": {"web": {"build": build}, "db": {"build": {"context": "."}}},
            "secrets": {"npm": {"environment": "NPM"}, "pip": {"file": "pip"}},
        }
    ]


def test_secrets_may_be_defined_in_another_file_than_the_build_that_takes_them() -> None:
    build, secrets = {"context": ".", "secrets": ["npm"]}, {"npm": {"environment": "NPM"}}
    files = ("services: {web: {build: {context: ., secrets: [npm]}}}", "secrets: {npm: {environment: NPM}}")
    assert cut(*files) == [{"services": {"web": {"build": build}}}, {"services": {}, "secrets": secrets}]


def test_values_are_what_compose_takes_them_for() -> None:
    text = "services: {web: {build: {context: ., args: {A: yes, B: 1.5, C: 2024-01-01, D: '$$x', E: true}}}}"
    args = {"A": "yes", "B": 1.5, "C": "2024-01-01", "D": "$$x", "E": True}
    assert cut(text) == [{"services": {"web": {"build": {"context": ".", "args": args}}}}]


def test_included_and_extended_sections_count_from_the_first_file() -> None:
    files = {
        "compose.yml": "include: [jobs/compose.yml]\nservices: {web: {extends: {file: base/b.yml, service: base}}}",
        "jobs/compose.yml": "services: {jobs: {build: {additional_contexts: {a: ./a, b: 'https://b/c.git'}}}}",
        "base/b.yml": "services: {base: {build: ..}}",
    }
    assert [json.loads(each) for each in found(files).files] == [
        {
            "services": {
                "jobs": {
                    "build": {"context": "./jobs", "additional_contexts": {"a": "./jobs/a", "b": "https://b/c.git"}}
                },
                "web": {"build": {"context": "./."}},
            }
        }
    ]


def test_service_whose_profile_is_not_chosen_is_not_built() -> None:
    files = {"compose.yml": "services: {web: {build: .}, debug: {build: debug, profiles: [debug]}}"}
    assert found(files).built == ("web",)
    assert found(files, "debug").built == ("web", "debug")


def test_section_of_an_anchor_is_found_and_the_services_own_counts() -> None:
    text = """\
x-base: &base
  build: {context: base}
services:
  taken: {<<: *base}
  own: {<<: *base, build: {context: own}}
"""
    assert cut(text) == [{"services": {"taken": {"build": {"context": "base"}}, "own": {"build": {"context": "own"}}}}]


def test_every_file_is_cut_and_stays_in_its_place() -> None:
    one = "services: {web: {build: .}, db: {image: postgres}}"
    other = "services: {web: {build: {target: prod}}, late: {build: late}}"
    assert found({"a.yml": one, "b.yml": other}).built == ("web", "late")
    assert cut(one, other) == [
        {"services": {"web": {"build": {"context": "."}}}},
        {"services": {"web": {"build": {"target": "prod"}}, "late": {"build": {"context": "late"}}}},
    ]


def test_lists_of_a_section_are_laid_over_mappings_and_count_from_their_own_folder() -> None:
    files = {
        "compose.yml": "services: {web: {extends: {file: base/b.yml, service: base}, build: {args: {B: 2}}}}",
        "base/b.yml": "services: {base: {build: {args: [A=1=2, C], additional_contexts: ['a=./a', 'b=https://b/c.git']}}}",
    }
    contexts = {"a": "./base/a", "b": "https://b/c.git"}
    build = {"args": {"A": "1=2", "C": None, "B": 2}, "additional_contexts": contexts, "context": "./base"}
    assert [json.loads(each) for each in found(files).files] == [{"services": {"web": {"build": build}}}]


def test_what_a_later_file_takes_back_or_replaces_is_left_to_bake() -> None:
    files = {
        "a.yml": "services: {web: {build: {context: ., args: [A=1], tags: ['x:1'], secrets: [s]}}, job: {build: job}}",
        "b.yml": "services: {web: {build: {args: !override {B: 'é'}, tags: !reset []}}, job: !override {build: other}}",
        "c.yml": "services: {job: !reset null, web: {image: w}}\nsecrets: {s: {environment: S}}",
        "d.yml": "services: {job: {build: again}}",
    }
    first, *others = [parse("x.yml", each) for each in found(files).files]
    assert first == {
        "services": {
            "web": {"build": {"context": ".", "args": {"A": "1"}, "tags": ["x:1"], "secrets": ["s"]}},
            "job": {"build": {"context": "job"}},
        }
    }
    assert others == [
        {
            "services": {
                "web": {"build": {"args": Override({"B": "é"}), "tags": RESET}},
                "job": Override({"build": {"context": "other"}}),
            }
        },
        {"services": {"job": RESET}, "secrets": {"s": {"environment": "S"}}},
        {"services": {"job": {"build": {"context": "again"}}}},
    ]


def test_what_a_service_adds_to_a_build_it_extends_keeps_the_context() -> None:
    base, web = "{build: ./dir, profiles: [x]}", "{extends: base, profiles: !reset [], build: {target: prod}}"
    assert cut(f"services: {{base: {base}, web: {web}}}") == [
        {"services": {"web": {"build": {"context": "./dir", "target": "prod"}}}}
    ]


def test_service_that_runs_the_image_of_another_is_known() -> None:
    text = "services: {web: {build: ., image: app}, jobs: {image: app}, db: {image: postgres}}"
    assert found({"compose.yml": text}).alike == {"jobs": "web"}


@pytest.mark.parametrize("text", ["services: {db: {image: a}}", "services: {web: {image: a, build: !reset null}}"])
def test_nothing_to_build_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"no service of compose\.yml has a `build`"):
        found({"compose.yml": text})


def test_definition_says_what_the_sections_do_not() -> None:
    build = replace(
        BUILD,
        labels={"l": "a ${b} %{c}"},
        build_args=("A=1=2",),
        platforms=("linux/arm64",),
        secrets=("id=npm,env=NPM",),
        ssh=("default",),
        cache="registry",
        sbom=True,
    )
    assert json.loads(definition([build], can_attest=True)) == {
        "target": {
            "web_1": {
                "tags": ["registry.example.com/orange-web.1:v1", "registry.example.com/orange-web.1:sha-abc"],
                "labels": {"l": "a $${b} %%{c}"},
                "args": {"A": "1=2"},
                "platforms": ["linux/arm64"],
                "secret": ["id=npm,env=NPM"],
                "ssh": ["default"],
                "cache-from": ["type=registry,ref=registry.example.com/orange-web.1:buildcache"],
                "cache-to": [
                    "type=registry,ref=registry.example.com/orange-web.1:buildcache,"
                    "mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"
                ],
                "attest": ["type=provenance,mode=min", "type=sbom"],
                "output": ["type=registry"],
            }
        }
    }


def test_definition_leaves_to_the_sections_what_no_input_says() -> None:
    said = json.loads(definition([replace(BUILD, push=False)], can_attest=False))["target"]["web_1"]
    assert set(said) == {"tags", "attest"}
    assert said["attest"] == ["type=provenance,disabled=true"]


def test_each_service_has_a_cache_of_its_own_at_github() -> None:
    said = json.loads(definition([replace(BUILD, cache="gha")], can_attest=True))["target"]["web_1"]
    assert said["cache-from"] == ["type=gha,scope=web.1"]
    assert said["cache-to"] == ["type=gha,scope=web.1,mode=max,ignore-error=true"]


def test_only_the_wanted_services_are_built() -> None:
    words = arguments([Path("/a.yml"), Path("/d.json")], [BUILD], Path("/m.json"))
    assert words == [
        "bake",
        "--progress=plain",
        "--metadata-file=/m.json",
        "--file=/a.yml",
        "--file=/d.json",
        "web_1",
    ]


def test_nothing_depends_on_the_folder_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    build = settled(
        replace(
            BUILD,
            build_args=("A=1", "SET", "UNSET"),
            secrets=("id=a,src=a", "id=b,env=B"),
            ssh=("default", "key=k1,/k2"),
        ),
        {"SET": "x=y"},
    )
    assert build.build_args == ("A=1", "SET=x=y")
    assert build.secrets == (f"id=a,src={tmp_path}/a", "id=b,env=B")
    assert build.ssh == ("default", f"key={tmp_path}/k1,/k2")
