"""A context that docker fetches itself: the commit it names is the image's, not that of the run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.core.errors import EXIT_DONE
from localcloud.child import Child
from localcloud.registry import Registry
from tests.e2e.build.building import SHA, answer, build, config_of


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def served(checkout: Path) -> Iterator[str]:
    """The checkout as a repository behind git's own protocol."""
    git(checkout, "init", "--quiet")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message=first")
    (checkout / ".git" / "git-daemon-export-ok").touch()
    child = Child(checkout.parent / "daemon", "git-daemon")
    listens = re.compile(r"Ready to rumble")
    port = 9419
    command = ["git", "daemon", "--verbose", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}"]
    child.start([*command, f"--base-path={checkout.parent}"], lambda: bool(listens.search(child.log.read_text())))
    yield f"git://127.0.0.1:{port}/checkout/.git"
    child.stop()


@pytest.mark.usefixtures("modern")
def test_context_is_a_commit_of_a_repository(
    served: str, registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    name = f"{registry.address}/modern/git"
    assert build(name, "--version=v1", f"--context={served}#{commit}") == EXIT_DONE
    first = answer(capsys)
    labels = config_of(first["image"])["config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == commit != SHA
    assert labels["org.opencontainers.image.source"] == served
    assert build(name, "--version=v1", f"--context={served}#{commit}") == EXIT_DONE
    assert answer(capsys) == first


@pytest.mark.usefixtures("modern")
def test_branch_that_may_move_is_no_commit_to_find_again(
    served: str, registry: Registry, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{registry.address}/modern/branch"
    digests = []
    for page in ("v1", "v2"):
        (checkout / "index.html").write_text(page)
        git(checkout, "commit", "--quiet", "--allow-empty", "--all", f"--message={page}")
        assert build(name, "--version=v1", f"--context={served}#main") == EXIT_DONE
        said = answer(capsys)
        digests.append(said["digest"])
        assert "org.opencontainers.image.revision" not in config_of(said["image"])["config"]["Labels"]
    assert digests[0] != digests[1]
