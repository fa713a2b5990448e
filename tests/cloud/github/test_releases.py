"""Git tags and GitHub Releases over HTTP: made once, and never of two commits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from deployer.core.errors import BadInput, Refused
from deployer.github.releases import Releases
from deployer.github.run import RunContext
from localcloud.github.releases import MISSING
from localcloud.github.server import GitHub

pytestmark = pytest.mark.usefixtures("described")

SHA, OTHER = "a" * 40, "b" * 40
RUN = RunContext(repository="acme/shop")
OURS = ("acme/shop", "v2")


def releases(github: GitHub) -> Releases:
    return Releases(RUN, github.api_url, "token-of-this-job")


def test_release_says_what_came_since_the_version_before(github: GitHub) -> None:
    github.releases.tags["acme/shop", "v1"] = OTHER
    url = releases(github).publish("v2", SHA, "v1", preview=False)
    assert url == "https://github.com/acme/shop/releases/tag/v2"
    assert github.releases.tags[OURS] == SHA
    made = github.releases.releases[OURS]
    assert made["body"] == "**Full Changelog**: https://github.com/acme/shop/compare/v1...v2"
    assert (made["name"], made["prerelease"], made["draft"]) == ("v2", False, False)


def test_version_before_that_was_never_tagged_is_left_to_github(github: GitHub) -> None:
    releases(github).publish("v2", SHA, "20261101.3.1-abcdef0", preview=True)
    made = github.releases.releases[OURS]
    assert "compare" not in made["body"]
    assert made["prerelease"] is True


def test_what_is_there_at_the_same_commit_is_found_again(github: GitHub) -> None:
    first = releases(github).publish("v2", SHA, "", preview=False)
    made = dict(github.releases.releases[OURS])
    assert releases(github).publish("v2", SHA, "v1", preview=False) == first
    releases(github).tag("v2", SHA)
    assert github.releases.releases[OURS] == made


def test_tag_alone_and_its_release_later(github: GitHub) -> None:
    releases(github).tag("v2", SHA)
    assert github.releases.tags == {OURS: SHA}
    assert github.releases.releases == {}
    assert releases(github).publish("v2", SHA, "", preview=False)
    assert github.releases.tags == {OURS: SHA}


def test_tag_with_a_message_is_at_the_commit_it_leads_to(github: GitHub) -> None:
    asked = {"tag": "v2", "message": "second", "object": SHA, "type": "commit"}
    github.releases.tags[OURS] = github.releases.create_tag("acme/shop", asked)["sha"]
    releases(github).check("v2", SHA)
    with pytest.raises(BadInput):
        releases(github).check("v2", OTHER)


def test_tag_of_another_commit_is_an_error_and_stays(github: GitHub) -> None:
    github.releases.tags[OURS] = OTHER
    for ask in (
        lambda: releases(github).check("v2", SHA),
        lambda: releases(github).tag("v2", SHA),
        lambda: releases(github).publish("v2", SHA, "", preview=False),
    ):
        with pytest.raises(BadInput, match="v2 of acme/shop is at commit bbbbbbbbbbbb") as refusal:
            ask()
        assert f"git tag --force v2 {SHA}" in refusal.value.fix
    assert github.releases.tags == {OURS: OTHER}


@pytest.mark.parametrize(("commit", "refused"), [(SHA, False), (OTHER, True)])
def test_somebody_who_was_faster(github: GitHub, monkeypatch: pytest.MonkeyPatch, commit: str, refused: bool) -> None:
    """The tag and the release appear after we looked and before we made ours."""
    looked: list[str] = []
    look = github.releases.ref

    def late(repository: str, name: str) -> dict[str, object]:
        if len(looked) < 2:
            looked.append(name)
            github.releases.tags.pop((repository, name), None)
        elif not refused:
            return look(repository, name)
        try:
            return look(repository, name)
        finally:
            github.releases.tags[repository, name] = commit

    monkeypatch.setattr(github.releases, "ref", late)
    if refused:
        with pytest.raises(BadInput):
            releases(github).tag("v2", SHA)
    else:
        releases(github).tag("v2", SHA)
    assert github.releases.tags[OURS] == commit


def test_release_somebody_else_made_meanwhile_is_found(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = github.releases.notes

    def meanwhile(repository: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        github.releases.create(repository, {"tag_name": "v2", "target_commitish": SHA})
        return notes(repository, asked)

    monkeypatch.setattr(github.releases, "notes", meanwhile)
    assert releases(github).publish("v2", SHA, "", preview=False).endswith("/releases/tag/v2")


def test_commit_that_github_does_not_have_is_a_refusal(github: GitHub) -> None:
    with pytest.raises(Refused, match="422 Object does not exist"):
        releases(github).publish("v2", MISSING, "", preview=False)
    assert github.releases.releases == {}


def test_job_without_the_permission_is_told_which(github: GitHub) -> None:
    github.repositories.refused = {"contents"}
    with pytest.raises(Refused, match="GitHub answered 403 Resource not accessible by integration") as refusal:
        releases(github).publish("v2", SHA, "", preview=False)
    assert "contents: write" in refusal.value.fix


def test_github_away_is_a_refusal(github: GitHub) -> None:
    with pytest.raises(Refused, match="does not answer"):
        Releases(RUN, "http://127.0.0.1:9/api", "t").check("v2", SHA)
    assert github.releases.tags == {}
