"""Jobs that may not have an OIDC token learn why, and tokens are read without being trusted."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from deployer.core.errors import BadInput
from deployer.github.oidc import IdentityToken, claims_of, fetch_token

JOB = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push"}


def jwt(body: bytes) -> str:
    return f"e30.{base64.urlsafe_b64encode(body).decode().rstrip('=')}.signature"


def test_a_job_without_the_permission_is_told_the_yaml_to_paste() -> None:
    with pytest.raises(BadInput, match="id-token: write") as refused:
        fetch_token(JOB, "sts.amazonaws.com")
    assert refused.value.exit_code == 2
    assert "permissions:\n  id-token: write\n" in refused.value.fix


def test_a_forks_pull_request_is_told_that_there_never_is_a_token(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    repositories = {"head": {"repo": {"full_name": "a/b"}}, "base": {"repo": {"full_name": "c/b"}}}
    event.write_text(json.dumps({"pull_request": repositories}))
    job = {**JOB, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event)}
    with pytest.raises(BadInput, match="fork's pull request"):
        fetch_token(job, "sts.amazonaws.com")


def test_a_shell_is_told_that_only_jobs_have_tokens() -> None:
    with pytest.raises(BadInput, match="needs a GitHub Actions job"):
        fetch_token({}, "sts.amazonaws.com")


def test_claims_are_read_from_any_length_of_token() -> None:
    for sub in ("a", "ab", "abc", "abcd", "ünï"):
        assert claims_of(jwt(json.dumps({"sub": sub}).encode())) == {"sub": sub}


@pytest.mark.parametrize("token", ["", "a.b", "x.%%%.y", jwt(b"not json"), jwt(b"[1]"), jwt(b"\xff\xfe")])
def test_a_token_that_cannot_be_read_has_no_claims(token: str) -> None:
    assert claims_of(token) == {}


def test_a_token_never_shows_itself() -> None:
    assert "s3cr3t" not in repr(IdentityToken("s3cr3t", {}))
