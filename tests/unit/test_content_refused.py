"""Files that must not, or cannot, go into a release: links, paths and names, refused before anything is uploaded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployer.core.errors import BadInput
from tests.unit.checkout_content import WEB, gather, put


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a\\b"])
def test_paths_outside_are_refused(root: Path, path: str) -> None:
    put(root, "docker-compose.yml", WEB)
    put(root, "../x")
    with pytest.raises(BadInput, match="not below"):
        gather(root, path)
    with pytest.raises(BadInput, match="not below"):
        gather(root, compose=(path,))


def test_link_that_leaves_the_working_directory_is_refused(root: Path) -> None:
    put(root, "docker-compose.yml", WEB)
    put(root, "inside")
    (root / "out").symlink_to(put(root, "../secret"))
    (root / "in").symlink_to(root / "inside")
    with pytest.raises(BadInput, match="link"):
        gather(root, "out")
    assert gather(root, "in").files["in"] == b"x"


def test_link_to_a_folder_is_followed_as_docker_would(root: Path) -> None:
    put(root, "docker-compose.yml", WEB + "    volumes: ['./conf:/conf']\n")
    put(root, "shared/deep/a.conf")
    put(root, "conf/b.conf")
    (root / "conf/shared").symlink_to("../shared")
    assert list(gather(root).files) == ["docker-compose.yml", "conf/b.conf", "conf/shared/deep/a.conf"]


def test_link_to_a_folder_outside_is_refused_by_name(root: Path) -> None:
    put(root, "docker-compose.yml", WEB)
    put(root, "../elsewhere/secret")
    put(root, "conf/b.conf")
    (root / "conf/out").symlink_to(root.parent / "elsewhere")
    with pytest.raises(BadInput, match="conf/out is a link that leaves"):
        gather(root, "conf")


@pytest.mark.parametrize(("target", "named"), [("..", "leads round in circles"), ("round", "cannot be read")])
def test_link_that_goes_round_in_circles_is_refused_by_name(root: Path, target: str, named: str) -> None:
    put(root, "docker-compose.yml", WEB)
    put(root, "conf/b.conf")
    (root / "conf/round").symlink_to(target)
    with pytest.raises(BadInput, match=f"conf/.*{named}"):
        gather(root, "conf")


@pytest.mark.parametrize("target", [".git", ".git/config"])
def test_link_does_not_take_gits_own_files_along(root: Path, target: str) -> None:
    put(root, "docker-compose.yml", WEB)
    put(root, ".git/config", "token")
    put(root, "conf/b.conf")
    (root / "conf/link").symlink_to(root / target)
    with pytest.raises(BadInput, match=r"conf/link is a link into \.git"):
        gather(root, "conf")


def test_name_that_is_not_utf8_is_refused(root: Path) -> None:
    put(root, "docker-compose.yml", WEB)
    (root / "conf").mkdir()
    with open(os.fsencode(root / "conf") + b"/caf\xe9", "w"):
        pass
    with pytest.raises(BadInput, match="name a release cannot hold") as refusal:
        gather(root, "conf")
    refusal.value.what.encode()


@pytest.mark.parametrize("path", ["none.yml", "folder"])
def test_compose_file_that_cannot_be_read_is_named(root: Path, path: str) -> None:
    (root / "folder").mkdir()
    with pytest.raises(BadInput, match=path):
        gather(root, compose=(path,))


def test_missing_file_is_named(root: Path) -> None:
    put(root, "docker-compose.yml", WEB)
    with pytest.raises(BadInput, match=r"files: none\.txt cannot be read \(No such file"):
        gather(root, "none.txt")


def test_pipe_is_no_file(root: Path) -> None:
    put(root, "docker-compose.yml", WEB)
    os.mkfifo(root / "pipe")
    with pytest.raises(BadInput, match="no regular file"):
        gather(root, "pipe")


@pytest.mark.parametrize("path", ["release.json", "activate", "compose.images.yml"])
def test_names_a_release_uses_itself_are_refused(root: Path, path: str) -> None:
    put(root, "docker-compose.yml", WEB)
    put(root, path)
    with pytest.raises(BadInput, match=path):
        gather(root, path)
