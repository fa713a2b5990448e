"""How often an instance starts the AWS CLI, which costs a small one a second each time, and what a folder may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloud.instance.instances import APP, BUCKET, Instance
from tests.waiting import eventually

MANY = {f"static/{number // 50}/page {number}.html": b"<p>%d</p>" % number for number in range(300)}
COUNTING = """\
#!/bin/sh
echo "$1 $2" >>"{calls}"
exec "{original}" "$@"
"""


class Calls:
    """The instance's `aws`, which now notes how it is called."""

    def __init__(self, instance: Instance) -> None:
        program = instance.root.parent / "bin/aws"
        self._calls = program.with_name("aws-calls")
        program.rename(original := program.with_name("aws-original"))
        program.write_text(COUNTING.format(calls=self._calls, original=original))
        program.chmod(0o755)

    def since_last_asked(self) -> list[str]:
        calls = self._calls.read_text().splitlines() if self._calls.exists() else []
        self._calls.unlink(missing_ok=True)
        return calls


@pytest.fixture
def calls(instance: Instance) -> Calls:
    return Calls(instance)


FOLDER, PARAMETER, DESIRED = "s3 cp", "ssm get-parameter", "s3api get-object"


def test_whatever_the_number_of_files_a_boot_asks_three_times(instance: Instance, calls: Calls) -> None:
    v1 = instance.publish("v1", files=MANY)
    instance.promote(v1, 1)

    assert instance.run("boot").proves("v1", v1.manifest_sha256, 1)

    assert calls.since_last_asked() == [DESIRED, FOLDER, PARAMETER]
    files = instance.home / "releases/v1/files"
    assert {str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()} > set(MANY)
    assert instance.run("boot").outcome == "unchanged"
    assert calls.since_last_asked() == [DESIRED, PARAMETER]


def test_after_a_prefetch_aws_is_not_asked_and_on_the_way_back_not_the_bucket(instance: Instance, calls: Calls) -> None:
    v1, v2 = instance.publish("v1"), instance.publish("v2")
    assert instance.run("activate", v1, 1).outcome == "activated"
    assert calls.since_last_asked() == [FOLDER, PARAMETER]

    assert instance.run("prefetch", v2, 2).outcome == "unchanged"
    assert calls.since_last_asked() == [FOLDER, PARAMETER]
    assert instance.run("activate", v2, 2).outcome == "activated"
    assert calls.since_last_asked() == []

    assert instance.run("activate", v1, 3).outcome == "activated"
    assert calls.since_last_asked() == [PARAMETER]
    assert instance.run("activate", v1, 4).outcome == "unchanged"
    assert calls.since_last_asked() == [PARAMETER]


def test_two_orders_at_once_fetch_a_release_once(instance: Instance, calls: Calls) -> None:
    v1 = instance.publish("v1")

    both = [instance.start("prefetch", v1, 1) for _ in range(2)]

    assert [each.wait().exit_code for each in both] == [0, 0]
    assert calls.since_last_asked().count(FOLDER) == 1


def test_what_the_manifest_does_not_name_is_thrown_away(instance: Instance) -> None:
    release = instance.publish("strays")
    for key in ("stray", "/etc/stray", "stray/below", "a folder/", "$(id)"):
        instance.s3.put_object(Bucket=BUCKET, Key=f"{APP}/releases/strays/{key}", Body=b"stray")

    assert instance.run("activate", release, 1).proves("strays", release.manifest_sha256, 1)

    assert not [path for path in instance.root.rglob("*") if path.is_file() and path.read_bytes() == b"stray"]
    assert not (instance.home / "releases/strays/parts").exists()


def test_what_a_killed_fetch_left_is_removed_by_the_next_one(instance: Instance) -> None:
    v1 = instance.publish("v1", files=MANY)
    parts = instance.home / "releases/v1/parts"
    under_way = instance.start("activate", v1, 1)
    eventually("it has begun", lambda: parts.exists() and any(parts.iterdir()))
    under_way.kill()
    under_way.wait()
    (parts / "static").mkdir(parents=True, exist_ok=True)
    (parts / "static/page.html.6E1d0A3f").write_bytes(b"half")

    assert instance.run("activate", v1, 1).proves("v1", v1.manifest_sha256, 1)
    assert not [path for path in instance.home.rglob("page.html.*") if path.is_file()]


def test_a_file_that_was_damaged_on_the_instance_is_fetched_again(instance: Instance, calls: Calls) -> None:
    v1, v2 = instance.publish("v1"), instance.publish("v2")
    instance.run("activate", v1, 1)
    instance.run("activate", v2, 2)
    damaged = instance.home / "releases/v1/files/promtail-config.yml"
    before = damaged.read_bytes()
    damaged.write_bytes(b"")
    calls.since_last_asked()

    assert instance.run("activate", v1, 3).proves("v1", v1.manifest_sha256, 3)

    assert damaged.read_bytes() == before
    assert calls.since_last_asked() == [FOLDER, PARAMETER]


def test_files_are_readable_to_containers_and_scripts_executable(instance: Instance) -> None:
    v1 = instance.publish("v1", files={"bin/start": b"#!/bin/sh\n", "bin/data": b"\0\0"})

    instance.run("activate", v1, 1)

    def mode(path: str) -> int:
        return Path(instance.home / "releases/v1/files", path).stat().st_mode & 0o777

    assert [mode("bin"), mode("bin/start"), mode("bin/data")] == [0o755, 0o755, 0o644]
