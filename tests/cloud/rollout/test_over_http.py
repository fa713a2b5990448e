"""Rollouts by the command line over real HTTP, on instances that really run the scripts: every exit code, provoked."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.aws.account import ROOT_KEY
from tests.cloud.delivery import Delivery, delivering
from tests.cloud.rollout.under_way import rest, seconds_from_now, until
from tests.waiting import eventually

OUTPUTS = ("version", "previous-version", "generation", "status", "instances-total", "instances-updated", "report")


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    """A group of two behind a load balancer; each test brings it to the release it needs."""
    with delivering(tmp_path_factory, instances=2) as delivery:
        yield delivery


def outputs_of(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_rollout_ends_with_every_instance_serving_the_release(on_v1: Delivery) -> None:
    done = on_v1.rollout("v2", "--json")
    assert done.returncode == 0, done.stderr
    told = outputs_of(done)
    assert (told["version"], told["previous-version"], told["status"]) == ("v2", "v1", "succeeded")
    assert (told["instances-total"], told["instances-updated"]) == (2, 2)
    assert on_v1.answers() == {"v2"}
    assert on_v1.document("desired.json")["version"] == "v2"
    assert on_v1.suspended() == set()
    record = on_v1.document(f"rollouts/{told['generation']:010d}.json")
    assert (record["from"], record["to"], record["result"]) == ("v1", "v2", "succeeded")


def test_a_release_that_never_gets_healthy_is_rolled_back_with_exit_code_3(on_v1: Delivery) -> None:
    on_v1.publish("broken", healthy=False)
    done = on_v1.rollout("broken", "--json")
    assert done.returncode == 3, done.stderr
    assert outputs_of(done)["status"] == "rolled-back"
    assert "answered 503 instead of 200" in done.stderr
    assert on_v1.answers() == {"v1"}
    desired = on_v1.document("desired.json")
    assert desired["version"] == "v1"
    assert desired["generation"] == on_v1.document("lease.json")["generation"]
    assert on_v1.suspended() == set()


def test_without_auto_rollback_the_instances_left_behind_are_named_with_exit_code_4(on_v1: Delivery) -> None:
    on_v1.publish("broken", healthy=False)
    done = on_v1.rollout("broken", "--auto-rollback", "false", "--json")
    assert done.returncode == 4, done.stderr
    assert outputs_of(done)["status"] == "could-not-restore"
    assert any(each in done.stderr.splitlines()[-2] for each in on_v1.in_service())


def test_rollback_goes_to_the_release_before_or_to_the_one_named(on_v1: Delivery) -> None:
    on_v1.bring_to("v2")
    on_v1.bring_to("v3")
    done = on_v1.run("rollback")
    assert done.returncode == 0, done.stderr
    assert on_v1.answers() == {"v2"}
    done = on_v1.run("rollback", "--version", "v1")
    assert done.returncode == 0, done.stderr
    assert on_v1.answers() == {"v1"}


def test_plan_changes_nothing_and_says_what_a_rollout_would(on_v1: Delivery) -> None:
    on_v1.publish("v2")
    before = on_v1.document("lease.json")
    changes = on_v1.run("plan", "--version", "v2")
    assert changes.returncode == 10, changes.stderr
    assert "v1 → v2 on 2 instances" in changes.stdout
    assert on_v1.run("plan", "--version", "v1").returncode == 0
    assert on_v1.document("lease.json") == before
    assert on_v1.answers() == {"v1"}


def test_status_asks_every_instance(on_v1: Delivery) -> None:
    told = outputs_of(on_v1.run("status", "--json"))
    assert told["status"] == "converged"
    rows = told["instances"]
    assert isinstance(rows, dict)
    assert [row["runs"] for row in rows[on_v1.cloud.options.group]] == ["v1", "v1"]


def test_history_tells_the_rollouts_newest_first(on_v1: Delivery) -> None:
    told = outputs_of(on_v1.run("history", "--json"))["history"]
    assert isinstance(told, dict)
    generations = [record["generation"] for record in told[on_v1.cloud.options.group]]
    assert generations == sorted(generations, reverse=True)
    assert told[on_v1.cloud.options.group][0]["to"] == "v1"


def test_an_instance_born_by_scaling_boots_the_desired_release(on_v1: Delivery) -> None:
    on_v1.scale(3)
    try:
        eventually("three instances in service", lambda: len(on_v1.in_service()) == 3, patience=60)
        assert on_v1.answers() == {"v1"}
    finally:
        on_v1.scale(2)
        eventually("two instances in service", lambda: len(on_v1.in_service()) == 2, patience=60)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--auto-scaling-group", "nobody"), "there is no Auto Scaling group nobody"),
        (("--version", "v404"), "there is no release v404"),
        (("--version", "../v1"), "../v1"),
        (("--timeout", "soon"), "timeout is 'soon': a duration is a number and a unit"),
        (("--max-unavailable", "0"), "max-unavailable is 0"),
        (("--canary", "9"), "canary is 9"),
        (("--drain", "perhaps"), "drain is 'perhaps'"),
    ],
)
def test_bad_input_fails_before_anything_is_changed(on_v1: Delivery, words: tuple[str, str], said: str) -> None:
    on_v1.publish("v2")
    before = on_v1.document("desired.json")
    version = () if words[0] == "--version" else ("--version", "v2")
    done = on_v1.run("rollout", *version, *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert on_v1.document("desired.json") == before
    assert on_v1.answers() == {"v1"}


def test_a_bucket_that_does_not_exist_is_a_refusal_with_exit_code_1(on_v1: Delivery) -> None:
    done = on_v1.run("rollout", "--version", "v1", "--bucket", "nobodys-bucket")
    assert done.returncode == 1
    assert "there is no such bucket" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--document", "nothing"), "there is no SSM document nothing"),
        (("--alarms", "silence"), "these alarms do not exist: silence"),
    ],
)
def test_who_may_see_everything_is_told_what_is_not_there(on_v1: Delivery, words: tuple[str, str], said: str) -> None:
    done = on_v1.run("rollout", "--version", "v1", *words, AWS_ACCESS_KEY_ID=ROOT_KEY)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr


@pytest.mark.expects_denial
@pytest.mark.parametrize(
    ("words", "lacks", "about"),
    [
        (("--document", "nothing"), "ssm:DescribeDocument", ":document/nothing"),
        (("--alarms", "orange-silence"), "cloudwatch:DescribeAlarms", "(orange-silence: no metric alarm)"),
    ],
)
def test_what_the_role_is_not_for_is_a_missing_permission_whether_it_is_there_or_not(
    on_v1: Delivery, words: tuple[str, str], lacks: str, about: str
) -> None:
    done = on_v1.run("rollout", "--version", "v1", *words)
    assert done.returncode == 1
    assert f"may not {lacks}" in done.stderr
    assert about in done.stderr


def test_an_empty_group_is_refused(on_v1: Delivery) -> None:
    on_v1.publish("v2")
    on_v1.scale(0)
    try:
        eventually("the group is empty", lambda: not on_v1.in_service(), patience=60)
        done = on_v1.run("rollout", "--version", "v2")
        assert done.returncode == 2
        assert "no instance in service" in done.stderr
        assert on_v1.document("lease.json")["released"]
    finally:
        on_v1.scale(2)
        eventually("two instances in service", lambda: len(on_v1.in_service()) == 2, patience=60)


def test_a_second_rollout_is_refused_with_exit_code_5(on_v1: Delivery) -> None:
    on_v1.publish("v2")
    lease = on_v1.document("lease.json")
    on_v1.write("lease.json", {**lease, "owner": "another run", "released": False, "expires_at": seconds_from_now(300)})
    try:
        done = on_v1.run("rollout", "--version", "v2")
        assert done.returncode == 5
        assert "another run is rolling out to orange-web" in done.stderr
        assert on_v1.answers() == {"v1"}
    finally:
        on_v1.write("lease.json", {**lease, "released": True})


def test_an_alarm_during_the_bake_rolls_back(on_v1: Delivery) -> None:
    on_v1.alarm("orange-errors")
    on_v1.publish("v2")
    words = ("--version", "v2", "--alarms", "orange-errors", "--bake", "5m", "--canary", "0", "--max-unavailable", "2")
    with on_v1.start("rollout", *words) as rollout:
        said = until(rollout, "▸ bake")
        on_v1.alarm("orange-errors", "ALARM")
        said += rest(rollout)
    assert rollout.returncode == 3, said
    assert "alarm orange-errors is ALARM" in said
    assert on_v1.answers() == {"v1"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_run_stops_at_once_and_the_next_one_finishes(on_v1: Delivery, number: signal.Signals) -> None:
    on_v1.publish("v2")
    with on_v1.start("rollout", "--version", "v2", "--canary-bake", "5m") as rollout:
        until(rollout, "✓ v2")
        asked = time.monotonic()
        rollout.send_signal(number)
        said = rest(rollout)
    assert rollout.returncode == 128 + number, said
    assert time.monotonic() - asked < 7
    assert on_v1.suspended() == set()
    assert on_v1.document("lease.json")["released"]
    on_v1.bring_to("v2")
    assert on_v1.answers() == {"v2"}


def test_a_job_gets_outputs_a_summary_and_a_deployment(on_v1: Delivery, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for each in files.values():
        each.touch()
    on_v1.publish("v2")
    done = on_v1.run(
        *("rollout", "--version", "v2", "--canary", "0", "--max-unavailable", "2", "--environment", "production"),
        GITHUB_ACTIONS="true",
        GITHUB_REPOSITORY=on_v1.cloud.options.repository,
        GITHUB_SHA="0123456789abcdef0123456789abcdef01234567",
        GITHUB_REF="refs/heads/main",
        GITHUB_RUN_ID="77",
        GITHUB_RUN_ATTEMPT="1",
        GITHUB_ACTOR="somebody",
        INPUT_GITHUB_TOKEN="a-token",
        **{name: str(path) for name, path in files.items()},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = files["GITHUB_OUTPUT"].read_text()
    for name in OUTPUTS:
        assert f"{name}<<" in outputs
    summary = files["GITHUB_STEP_SUMMARY"].read_text()
    assert "orange-web runs v2" in summary
    assert "```mermaid" in summary
    assert done.stdout.count("::group::") == done.stdout.count("::endgroup::") >= 3
    assert on_v1.document("desired.json")["updated_by"] == "awesomeorange/orange run 77-1 (somebody)"
    [deployment] = on_v1.cloud.github.deployments.listed(on_v1.cloud.options.repository, {})
    assert (deployment["environment"], deployment["ref"][:7]) == ("production", "0123456")
