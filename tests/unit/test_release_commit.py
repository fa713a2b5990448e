"""From which commit a release is: the one that is checked out, whatever started the run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployer.commands.release_version import git_of, version_for
from deployer.commands.wanted_images import REVISION, wanted_images
from deployer.core.quantities import ImageName
from deployer.core.release import Git
from deployer.github.run import RunContext
from deployer.inputs import BuildInputs

REPOSITORY = "https://github.com/acme/orange"
OF_THE_EVENT = "0123456789abcdef0123456789abcdef01234567"


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def clone(folder: Path, url: str = REPOSITORY) -> str:
    """A repository as actions/checkout leaves it, on `main`; gives its only commit."""
    folder.mkdir(exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "remote", "add", "origin", url)
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={folder.name}")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "workspace").mkdir()
    monkeypatch.chdir(tmp_path / "workspace")
    return tmp_path / "workspace"


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[..., RunContext]:
    def make(event_name: str = "push", event: Any = None, sha: str = OF_THE_EVENT, **more: str) -> RunContext:
        (tmp_path / "event.json").write_text(json.dumps(event or {}))
        job = {
            "GITHUB_REPOSITORY": "acme/orange",
            "GITHUB_SHA": sha,
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_RUN_NUMBER": "41",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_EVENT_NAME": event_name,
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        }
        return RunContext.from_environment({**job, **more})

    return make


def detach(folder: Path, name: str = "") -> None:
    """As a tag, a pull request or a bare hash is checked out: on no branch, with what was fetched under its name."""
    git(folder, "checkout", "--quiet", "--detach")
    git(folder, "branch", "--quiet", "--delete", "--force", "main")
    if name:
        git(folder, "update-ref", name, "HEAD")


def test_commit_of_the_event_is_what_the_event_says(workspace: Path, run_of: Callable[..., RunContext]) -> None:
    sha = clone(workspace, "https://github.com/somebody/else")
    detach(workspace, "refs/remotes/pull/7/merge")
    assert git_of(run_of(sha=sha), ".") == Git(sha, "refs/heads/main", "acme/orange")


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("refs/heads/feature-a", "refs/heads/feature-a"),
        ("refs/remotes/pull/7/merge", "refs/pull/7/merge"),
        ("refs/tags/v1", "refs/tags/v1"),
        ("refs/remotes/origin/feature-a", ""),
        ("", ""),
    ],
)
def test_what_somebody_chose_by_hand_is_what_is_released(
    workspace: Path, run_of: Callable[..., RunContext], name: str, ref: str
) -> None:
    sha = clone(workspace)
    detach(workspace, name)
    if name.startswith("refs/heads/"):
        git(workspace, "checkout", "--quiet", name.removeprefix("refs/heads/"))
    found = git_of(run_of("workflow_dispatch"), ".")
    assert found == Git(sha, ref, "acme/orange")
    today, _, rest = version_for("", run_of("workflow_dispatch"), found).partition(".41.1-")
    assert (today, rest) == ("pr-7" if "pull" in ref else today, sha[:7])


def test_one_of_several_tags_is_not_guessed(workspace: Path, run_of: Callable[..., RunContext]) -> None:
    clone(workspace)
    git(workspace, "tag", "v1")
    git(workspace, "tag", "v1.0.0")
    detach(workspace)
    assert git_of(run_of("workflow_dispatch"), ".").ref == ""


def test_shallow_clone_says_the_same(
    tmp_path: Path, workspace: Path, run_of: Callable[..., RunContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    clone(workspace)
    git(workspace, "commit", "--quiet", "--allow-empty", "--message=second")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{workspace}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    assert git_of(run_of(), ".") == Git(git(workspace, "rev-parse", "HEAD"), "refs/heads/main", "")


ABOUT_7 = {"issue": {"number": 7, "pull_request": {"merged_at": None}}}
OF_A_FORK = {"workflow_run": {"event": "pull_request", "pull_requests": []}}
MERGED = {"number": 7, "pull_request": {"merged": True}}


@pytest.mark.parametrize(
    ("event_name", "event", "ref", "begin"),
    [
        ("pull_request_target", {"number": 7}, "refs/pull/7/head", "pr-7."),
        ("issue_comment", ABOUT_7, "refs/pull/7/head", "pr-7."),
        ("workflow_run", OF_A_FORK, "refs/pull/unknown/head", "20"),
        ("workflow_run", {"workflow_run": {"event": "push"}}, "", "20"),
        ("pull_request", MERGED, "", "20"),
    ],
)
def test_commit_of_a_pull_request_is_a_preview_in_a_run_of_the_default_branch(
    workspace: Path, run_of: Callable[..., RunContext], event_name: str, event: Any, ref: str, begin: str
) -> None:
    sha = clone(workspace)
    detach(workspace)
    run = run_of(event_name, event)
    assert git_of(run, ".") == Git(sha, ref, "acme/orange")
    assert version_for("", run, git_of(run, ".")).startswith(begin)


@pytest.mark.parametrize(
    ("event_name", "event", "ref"),
    [
        ("pull_request_target", {"number": 7}, "refs/pull/7/head"),
        ("issue_comment", ABOUT_7, "refs/heads/main"),
        ("workflow_run", OF_A_FORK, "refs/heads/main"),
        ("pull_request", MERGED, "refs/heads/main"),
    ],
)
def test_the_default_branch_itself_is_a_preview_only_where_a_pull_request_runs_on_it(
    workspace: Path, run_of: Callable[..., RunContext], event_name: str, event: Any, ref: str
) -> None:
    sha = clone(workspace)
    assert git_of(run_of(event_name, event, sha), ".").ref == ref


@pytest.mark.parametrize(
    ("url", "repository"),
    [
        ("https://github.com/acme/app", "acme/app"),
        ("https://x-access-token:secret@github.com/acme/app.git", "acme/app"),
        ("git@github.com:acme/app.git", "acme/app"),
        ("ssh://git@github.com:22/acme/app.git/", "acme/app"),
        ("https://gitlab.example.com/acme/app.git", ""),
        ("https://github.com/acme/app/more", ""),
        ("../acme/app", ""),
    ],
)
def test_another_repository_is_named_by_its_remote(
    workspace: Path, run_of: Callable[..., RunContext], url: str, repository: str
) -> None:
    sha = clone(workspace, url)
    assert git_of(run_of(), ".") == Git(sha, "refs/heads/main", repository)


@pytest.mark.parametrize("empty", [True, False])
def test_where_nothing_is_checked_out_the_event_says_the_commit(
    workspace: Path, run_of: Callable[..., RunContext], empty: bool
) -> None:
    if empty:
        git(workspace, "init", "--quiet")
    assert git_of(run_of(), ".") == Git(OF_THE_EVENT, "refs/heads/main", "acme/orange")


def test_without_git_the_event_says_the_commit(
    workspace: Path, run_of: Callable[..., RunContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    clone(workspace)
    monkeypatch.setenv("PATH", "")
    assert git_of(run_of(), ".").sha == OF_THE_EVENT


def test_outside_actions_nobody_vouches_for_the_working_directory(workspace: Path) -> None:
    clone(workspace)
    assert git_of(RunContext(), ".") == Git()


def test_checkout_of_another_user_is_read_as_well(
    workspace: Path, run_of: Callable[..., RunContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = clone(workspace)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert git_of(run_of(), ".").sha == sha


def test_image_is_of_the_clone_its_context_lies_in(workspace: Path, run_of: Callable[..., RunContext]) -> None:
    """A workflow of one repository that checks another one out beside its own."""
    run = run_of(sha=clone(workspace))
    app = clone(workspace / "app", "https://github.com/acme/app")
    (workspace / "app" / "Dockerfile").write_text("FROM scratch\n")
    wanted = wanted_images(BuildInputs(image=ImageName("ghcr.io/acme/app"), context="app"), run)
    [build] = wanted.builds
    assert build.labels[REVISION] == app
    assert build.labels["org.opencontainers.image.source"] == "https://github.com/acme/app"
    assert build.labels["org.opencontainers.image.created"]
    assert f"sha-{app}" in build.tags
    assert wanted.version.endswith(app[:7])


def test_build_alone_takes_no_compose_file(workspace: Path, run_of: Callable[..., RunContext]) -> None:
    (workspace / "Dockerfile").write_text("FROM scratch\n")
    inputs = BuildInputs(image=ImageName("ghcr.io/acme/app"))
    assert wanted_images(inputs, run_of()).services == {}
    (workspace / "docker-compose.yml").write_text("services: {web: {build: .}, db: {image: redis}}\n")
    assert wanted_images(inputs, run_of()).services == {"web": "ghcr.io/acme/app"}


def test_submodule_is_part_of_the_clone_around_it(
    tmp_path: Path, workspace: Path, run_of: Callable[..., RunContext]
) -> None:
    clone(tmp_path / "library")
    clone(workspace)
    git(workspace, "submodule", "--quiet", "add", str(tmp_path / "library"), "library")
    git(workspace, "commit", "--quiet", "--message=library")
    assert git_of(run_of(), "library").sha == git(workspace, "rev-parse", "HEAD")
