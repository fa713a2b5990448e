"""`releases` and `prune-releases` over HTTP: what is there, who needs it, and what may go."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from deployer import cli
from deployer.aws.bucket_contents import BucketContents
from deployer.core import document, keys
from deployer.core.errors import EXIT_DONE, EXIT_LEASE_HELD
from deployer.core.release import Desired, ReleaseRef
from deployer.core.retention import DAY
from deployer.rollout.lease import LIFETIME, Holder, utc
from deployer.rollout.waiting import Claim
from tests.cloud.publish.checkouts import objects, publish

PLACE = ("--app", "orange", "--bucket", "releases", "--aws-region", "eu-central-1")
ALL = ("--keep", "0", "--older-than-days", "0")
SUM = "0" * 64
VERSIONS = ("v1", "v2", "v3", "v4")


@pytest.fixture
def published(s3: Any, checkout: Path) -> Any:
    """Four releases, a publish that did not finish, and a release of another application."""
    assert publish({"GITHUB_SHA": "v1" * 20}) == EXIT_DONE
    for key, body in objects(s3).items():
        for version in VERSIONS[1:]:
            put(s3, key.replace("v1", version), body.replace(b"v1", version.encode()))
        put(s3, key.replace("orange/", "pear/"), body)
    put(s3, "orange/releases/half/docker-compose.yml", b"services: {}")
    return s3


def put(s3: Any, key: str, body: bytes) -> None:
    s3.put_object(Bucket="releases", Key=key, Body=body)


def desire(s3: Any, group: str, version: str, previous: str = "") -> None:
    before = ReleaseRef(previous, SUM) if previous else None
    put(s3, keys.desired("orange", group), Desired(1, version, SUM, before, utc(0), "a test").to_json())


def record(s3: Any, group: str, target: str, way_back: str, result: str) -> None:
    back = ReleaseRef(way_back, SUM).to_json()
    told = {"schema": 1, "to": target, "way_back": back, "result": result, "suspended": []}
    put(s3, keys.record("orange", group, 1), document.write(told))


def lease(s3: Any, group: str, *, released: bool) -> None:
    holder = Holder(1, "octocat", "", time.time() + LIFETIME, released)
    put(s3, keys.lease("orange", group), holder.to_json())


def said(capsys: pytest.CaptureFixture[str], words: Sequence[str], exit_code: int = EXIT_DONE) -> Mapping[str, Any]:
    capsys.readouterr()
    assert cli.main([*words, *PLACE, "--json"], {}) == exit_code
    told = capsys.readouterr()
    answer: Mapping[str, Any] = {**json.loads(told.out), "told": told.err}
    return answer


def prune(capsys: pytest.CaptureFixture[str], *words: str, exit_code: int = EXIT_DONE) -> Mapping[str, Any]:
    return said(capsys, ["prune-releases", *ALL, "--dry-run", "false", *words], exit_code)


def left(s3: Any, app: str = "orange") -> set[str]:
    """The versions of which anything is left."""
    return {key.split("/")[2] for key in objects(s3) if key.startswith(f"{app}/releases/")}


def test_releases_are_listed_with_who_needs_them(published: Any, capsys: pytest.CaptureFixture[str]) -> None:
    desire(published, "web", "v3", "v2")
    answer = said(capsys, ["releases", "--auto-scaling-group", "web"])
    rows = answer["releases"]
    assert "never finished: half" in answer["told"]
    assert {each["version"]: each["uses"] for each in rows} == {
        "v1": [], "v2": ["previous of web"], "v3": ["desired by web"], "v4": [],
    }  # fmt: skip
    stored = {key: body for key, body in objects(published).items() if key.startswith("orange/releases/v3/")}
    [row] = [each for each in rows if each["version"] == "v3"]
    assert (row["git_sha"], row["size"]) == ("v3" * 20, sum(map(len, stored.values())))


def test_a_release_that_cannot_be_read_is_shown_as_such(published: Any, capsys: pytest.CaptureFixture[str]) -> None:
    put(published, "orange/releases/v2/release.json", b"{}")
    put(published, "orange/releases/v3/release.json", b'{"schema": 2}')
    answer = said(capsys, ["releases", "--auto-scaling-group", "web"])
    damaged = {each["version"]: each["damaged"] for each in answer["releases"]}
    assert (damaged["v1"], len(damaged)) == ("", 4)
    assert "schema" in damaged["v2"]
    assert "has schema 2" in damaged["v3"]
    assert f"    damaged: {damaged['v3']}" in answer["told"]


def test_nothing_is_removed_unless_it_is_asked_for(published: Any, capsys: pytest.CaptureFixture[str]) -> None:
    before = objects(published)
    answer = said(capsys, ["prune-releases", *ALL])
    assert set(answer["removed"]) == set(VERSIONS)
    assert answer["dry-run"] is True
    assert objects(published) == before


def test_what_any_group_needs_stays(published: Any, capsys: pytest.CaptureFixture[str]) -> None:
    desire(published, "web", "v2", "v1")
    lease(published, "web", released=True)
    desire(published, "staged", "v4")
    assert set(prune(capsys)["removed"]) == {"v3"}
    assert left(published) == {"v1", "v2", "v4", "half"}
    assert left(published, "pear") == {"v1"}


@pytest.mark.parametrize("result", ["running", "interrupted", "could-not-restore"])
def test_what_a_rollout_that_did_not_end_well_was_about_stays(
    published: Any, capsys: pytest.CaptureFixture[str], result: str
) -> None:
    record(published, "web", "v4", "v2", result)
    prune(capsys)
    assert left(published) == {"v2", "v4", "half"}


def test_what_somebody_waits_to_roll_out_stays(published: Any, capsys: pytest.CaptureFixture[str]) -> None:
    record(published, "web", "v4", "v2", "succeeded")
    now = time.time()
    claim = Claim("id", "octocat", "", "v1", now, now, now + LIFETIME)
    put(published, keys.waiting("orange", "web"), claim.to_json())
    prune(capsys)
    assert left(published) == {"v1", "half"}


def test_nothing_is_removed_while_a_group_is_rolled_out(published: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lease(published, "staged", released=False)
    before = objects(published)
    assert "staged is being rolled out by octocat" in prune(capsys, exit_code=EXIT_LEASE_HELD)["error"]
    assert objects(published) == before


def test_the_newest_and_the_young_stay(published: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert prune(capsys, "--older-than-days", "1")["removed"] == []
    prune(capsys, "--keep", "4")
    assert left(published) == {*VERSIONS, "half"}


def test_what_a_group_comes_to_need_meanwhile_stays(
    published: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, wanted = BucketContents.remove, ""

    def promoting_at_first(self: BucketContents, key: str) -> None:
        nonlocal wanted
        if not wanted:
            wanted = next(each for each in VERSIONS if f"/{each}/" not in key)
            desire(published, "web", wanted)
        real(self, key)

    monkeypatch.setattr(BucketContents, "remove", promoting_at_first)
    told = prune(capsys)["told"]
    assert f"{wanted} stays: by now it is desired by web" in told
    assert left(published) == {wanted, "half"}


def test_what_a_killed_run_left_is_removed_by_the_next(
    published: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = BucketContents.remove

    def dying(self: BucketContents, key: str) -> None:
        real(self, key)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(BucketContents, "remove", dying)
        prune(capsys, exit_code=130)
    gone = [each for each in VERSIONS if keys.release("orange", each) not in objects(published)]
    assert len(gone) == 1
    assert left(published) == {*VERSIONS, "half"}
    later = time.time() + 2 * DAY  # until then somebody may be publishing what has no manifest
    monkeypatch.setattr("time.time", lambda: later)
    prune(capsys)
    assert left(published) == set()
