"""When a commit was made: git knows it, or the event that started the run."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest

from deployer.github.commit import date_of


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The hash of the only commit of the working directory."""
    monkeypatch.chdir(tmp_path)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.com")
    told = {**os.environ, "GIT_COMMITTER_DATE": "2026-11-20T10:00:00+02:00", "GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z"}
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=a"], check=True, env=told)
    return subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def test_git_says_when_it_was_committed(repository: str) -> None:
    assert date_of(repository, {}) == datetime(2026, 11, 20, 8, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"head_commit": {"id": "a" * 40, "timestamp": "2026-11-20T08:00:00Z"}}, datetime(2026, 11, 20, 8)),
        ({"head_commit": {"id": "b" * 40, "timestamp": "2026-11-20T08:00:00Z"}}, None),
        ({"head_commit": {"id": "a" * 40, "timestamp": "today"}}, None),
        ({"head_commit": None}, None),
        ({}, None),
    ],
)
def test_without_git_the_event_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: object, expected: datetime | None
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "event.json").write_text(json.dumps(event))
    found = date_of("a" * 40, {"GITHUB_EVENT_PATH": str(tmp_path / "event.json")})
    assert found == (expected and expected.replace(tzinfo=timezone.utc))


def test_nobody_knows_a_commit_that_has_no_hash() -> None:
    assert date_of("", {}) is None
