"""What goes into a release from a working directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.core.errors import BadInput
from deployer.image import content
from tests.unit.checkout_content import WEB, gather, put


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    return folder


def test_compose_files_come_first_then_files_and_folders(root: Path) -> None:
    put(root, "docker-compose.yml", WEB)
    put(root, "prod.yml", WEB)
    put(root, "conf/b.conf")
    put(root, "conf/deep/a.conf")
    put(root, "conf/.git/HEAD")
    put(root, "one.txt", "1")
    found = gather(root, "conf", "./one.txt", compose=("docker-compose.yml", "prod.yml"))
    assert list(found.files) == ["docker-compose.yml", "prod.yml", "conf/b.conf", "conf/deep/a.conf", "one.txt"]
    assert found.compose_files == ("docker-compose.yml", "prod.yml")
    assert found.files["one.txt"] == b"1"
    assert found.warnings == ()


def test_what_a_service_mounts_from_the_repository_goes_along(root: Path) -> None:
    mounts = (
        "    volumes: ['./p.yml:/p.yml', './conf:/conf:ro', '/var/log:/log', '~/x:/x', '${D}/y:/y', 'data:/data']\n"
    )
    put(root, "docker-compose.yml", WEB + mounts + "volumes: {data: }\n")
    put(root, "p.yml")
    put(root, "conf/a")
    assert list(gather(root).files) == ["docker-compose.yml", "p.yml", "conf/a"]


def test_paths_count_from_the_first_compose_files_folder(root: Path) -> None:
    put(root, "deploy/compose.yml", WEB + "    env_file: ../.env\n    volumes: ['../p.yml:/p.yml']\n")
    put(root, "p.yml")
    found = gather(root, compose=("deploy/compose.yml",), environment_file="../.env")
    assert list(found.files) == ["deploy/compose.yml", "p.yml"]
    assert found.environment_file == ".env"


def test_the_environment_file_may_be_named_as_seen_from_the_working_directory(root: Path) -> None:
    put(root, "deploy/compose.yml", WEB + "    env_file: ../.env\n")
    assert gather(root, compose=("deploy/compose.yml",)).environment_file == ".env"


def test_the_environment_file_may_be_one_level_above(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    env_file: ../.env\n    volumes: ['../.env:/app/.env']\n")
    assert gather(root, environment_file="../.env").environment_file == "../.env"


@pytest.mark.parametrize("path", ["../../.env", "/etc/env", "~/.env", "${X}", "..", ".", "\udce9.env"])
def test_the_environment_file_stays_near(root: Path, path: str) -> None:
    put(root, "docker-compose.yml", WEB)
    with pytest.raises(BadInput, match="environment-file"):
        gather(root, environment_file=path)


def test_env_file_that_will_not_be_there_is_refused_with_the_input_to_set(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    env_file: ../.env\n")
    with pytest.raises(BadInput, match=r"service web reads \.\./\.env") as refusal:
        gather(root)
    assert "environment-file: ../.env" in refusal.value.fix


def test_env_file_in_the_repository_is_not_taken_along_unasked(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    env_file: [.env, common.env, /etc/env]\n")
    put(root, "common.env")
    with pytest.raises(BadInput, match=r"common\.env"):
        gather(root)
    assert "common.env" in gather(root, "common.env").files


def test_environment_without_parameters_is_empty_and_said_so(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    env_file: .env\n")
    assert "empty without `parameters`" in gather(root, has_environment=False).warnings[0]


def test_environment_file_cannot_be_in_the_release_as_well(root: Path) -> None:
    put(root, "docker-compose.yml", WEB)
    put(root, ".env")
    with pytest.raises(BadInput, match=r"\.env"):
        gather(root, ".env")
    assert ".env" in gather(root, ".env", has_environment=False).files


def test_environment_file_in_a_folder_that_is_mounted_may_be_excluded(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    volumes: ['.:/app']\n")
    put(root, ".env")
    with pytest.raises(BadInput, match=r"\.env") as refusal:
        gather(root)
    assert "`exclude: .env`" in refusal.value.fix
    assert set(gather(root, exclude=[".env"]).files) == {"docker-compose.yml"}


def test_mount_that_is_not_in_the_repository_is_a_warning(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    volumes: ['./data:/data']\n")
    assert "./data" in gather(root).warnings[0]


def test_mount_outside_the_release_is_refused(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    volumes: ['../conf:/conf']\n")
    with pytest.raises(BadInput, match=r"service web mounts \.\./conf"):
        gather(root)


def test_files_of_configs_go_along(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    configs: [c]\nconfigs: {c: {file: ./c.conf}, d: {file: ./d.conf}}\n")
    put(root, "c.conf")
    put(root, "d.conf")
    assert set(gather(root).files) == {"docker-compose.yml", "c.conf"}  # nothing gets d


def test_config_that_is_not_there_is_refused(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    configs: [c]\nconfigs: {c: {file: ./c.conf}}\n")
    with pytest.raises(BadInput, match=r"config c of service web is the file \./c\.conf, which is not there"):
        gather(root)


def test_labels_and_the_environment_of_what_is_included_have_to_be_named(root: Path) -> None:
    put(root, "docker-compose.yml", "include: [{path: i.yml, env_file: a.env}]\n" + WEB + "    label_file: ./labels\n")
    put(root, "i.yml", "services: {i: {image: i}}")
    put(root, "a.env")
    put(root, "labels")
    with pytest.raises(BadInput, match=r"service web reads \./labels"):
        gather(root, "a.env")
    with pytest.raises(BadInput, match=r"an `include` reads \./a\.env"):
        gather(root, "labels")
    assert set(gather(root, "labels", "a.env").files) == {"docker-compose.yml", "i.yml", "labels", "a.env"}


def test_variables_that_nothing_fills_are_named(root: Path) -> None:
    ports = "    ports: ['${WEB_PORT}:80', '${OTHER:-81}:81']\n"
    put(root, "docker-compose.yml", WEB + ports + "  off: {image: a, profiles: [x], command: $NOT}\n")
    put(root, ".env", "WEB_PORT=8080")
    [warning] = gather(root, has_environment=False).warnings
    assert warning.startswith("${WEB_PORT} stands for nothing on an instance: add .env to `files`, or ")
    assert gather(root, ".env", has_environment=False).warnings == ()
    assert gather(root).warnings == ()


def test_variables_an_included_file_may_have_values_for_are_not_judged(root: Path) -> None:
    put(root, "docker-compose.yml", "include: [i/i.yml]\n" + WEB)
    put(root, "i/i.yml", "services: {i: {image: i, command: $X}}")
    put(root, "i/.env")
    assert "${X} stands for nothing" in gather(root, has_environment=False).warnings[0]
    assert gather(root, "i/.env", has_environment=False).warnings == ()


def test_secret_in_the_checkout_is_not_taken_along_unasked(root: Path) -> None:
    secrets = "secrets: {s: {file: ./s.txt}, t: {file: /etc/t}, u: {environment: U}}\n"
    put(root, "docker-compose.yml", WEB + "    secrets: [s, {source: t}, u]\n" + secrets)
    put(root, "s.txt")
    with pytest.raises(BadInput, match=r"secret s of service web is the file \./s\.txt"):
        gather(root)
    assert "s.txt" in gather(root, "s.txt").files


def test_secret_of_a_build_is_no_matter_of_the_instance(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    build: {secrets: [npm]}\nsecrets: {npm: {file: ./npm}}\n")
    put(root, "npm")
    assert "npm" not in gather(root).files


def test_what_may_be_executed_is_known(root: Path) -> None:
    put(root, "docker-compose.yml", WEB)
    put(root, "bin/script", "#!/bin/sh\n").chmod(0o755)
    put(root, "bin/program", "\x7fELF").chmod(0o744)
    put(root, "bin/text", "#!/bin/sh\n").chmod(0o666)
    assert gather(root, "bin").programs == {"bin/script", "bin/program"}


def test_folders_are_searched_without_what_is_excluded(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    volumes: ['./conf:/conf']\n")
    for path in (
        "conf/a.conf",
        "conf/README.md",
        "conf/keep.md",
        "conf/test/x",
        "more/a.md",
        "more/deep/test/x",
        "more/b",
    ):
        put(root, path)
    found = gather(root, "more", exclude=["*.md", "!keep.md", "test/", "/b"])
    assert set(found.files) == {"docker-compose.yml", "more/b", "conf/a.conf", "conf/keep.md"}


def test_a_file_that_is_named_itself_is_never_excluded(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    volumes: ['./p.yml:/p.yml']\n")
    put(root, "p.yml")
    put(root, "one.txt")
    assert set(gather(root, "one.txt", exclude=["*"]).files) == {"docker-compose.yml", "p.yml", "one.txt"}


def test_services_that_do_not_run_need_no_files(root: Path) -> None:
    debug = "  debug: {image: a, profiles: [debug], env_file: debug.env, volumes: ['./dumps:/dumps']}\n"
    put(root, "docker-compose.yml", WEB + debug)
    assert gather(root).warnings == ()
    assert list(gather(root).running) == ["web"]
    with pytest.raises(BadInput, match=r"debug reads debug\.env"):
        gather(root, profiles=["debug"])


def test_included_and_extended_files_go_along_with_what_they_mount(root: Path) -> None:
    put(
        root,
        "deploy/compose.yml",
        "include: [db/compose.yml]\nservices: {web: {extends: {file: ../base.yml, service: w}}}",
    )
    put(root, "deploy/db/compose.yml", "services: {db: {image: db, volumes: ['./init:/init']}}")
    put(root, "base.yml", "services: {w: {image: a, volumes: ['./conf:/conf'], env_file: deploy/.env}}")
    put(root, "deploy/db/init/1.sql")
    put(root, "conf/a")
    found = gather(root, compose=["deploy/compose.yml"])
    extra = ["deploy/db/compose.yml", "base.yml", "deploy/db/init/1.sql", "conf/a"]
    assert sorted(found.files) == sorted(["deploy/compose.yml", *extra])
    assert found.compose_files == ("deploy/compose.yml",)


def test_data_mounted_by_mistake_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(root, "docker-compose.yml", WEB)
    for name in ("a", "b", "c"):
        put(root, f"data/{name}", "x" * 100)
    monkeypatch.setattr(content, "MAX_BYTES", 250)
    with pytest.raises(BadInput, match=r"allowed are 1,000 and 250. The largest: data/a \(100 bytes\)"):
        gather(root, "data")
    monkeypatch.setattr(content, "MAX_BYTES", 1000)
    monkeypatch.setattr(content, "MAX_FILES", 3)
    with pytest.raises(BadInput, match="allowed are"):
        gather(root, "data")
