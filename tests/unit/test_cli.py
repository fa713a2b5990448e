"""From words and an environment to a typed command, and from its end to an exit code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from deployer import cli
from deployer.core.errors import BadInput, Refused
from deployer.declaration import inputs_of
from deployer.inputs import AssumeRoleInputs, PublishInputs, RolloutInputs
from deployer.outcome import Outcome

ROLLOUT = {"app": "orange", "bucket": "releases", "auto-scaling-group": "orange-prod", "version": "v1"}


def read(group: type, flags: Mapping[str, str | None] | None = None, **variables: str) -> Any:
    return cli.read_inputs(group, flags or {}, variables)


def test_inputs_come_from_flags() -> None:
    inputs = read(RolloutInputs, {**ROLLOUT, "max-unavailable": "2", "canary-bake": "10m"})
    assert (inputs.app, inputs.version, inputs.auto_scaling_group) == ("orange", "v1", ("orange-prod",))
    assert (str(inputs.max_unavailable), inputs.canary_bake) == ("2", 600)


def test_inputs_come_from_the_variables_an_action_sets() -> None:
    inputs = read(PublishInputs, INPUT_APP="orange", INPUT_BUCKET="releases", INPUT_HEALTH_TIMEOUT="30s")
    assert (inputs.app, inputs.bucket, inputs.health_timeout) == ("orange", "releases", 30)


def test_a_flag_wins_over_a_variable() -> None:
    assert read(RolloutInputs, ROLLOUT, INPUT_VERSION="v9").version == "v1"


def test_an_empty_input_is_one_that_was_not_given() -> None:
    assert read(AssumeRoleInputs, INPUT_ROLE_DURATION_SECONDS="").role_duration_seconds == 3600


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        read(RolloutInputs, {"app": "orange", "timeout": "soon", "canary": "-1"})
    for part in ("bucket is required", "version is required", "timeout is 'soon'", "canary is '-1'"):
        assert part in caught.value.what


def test_every_input_has_a_name_a_help_and_a_parser() -> None:
    for command in cli.COMMANDS.values():
        for each in inputs_of(command.inputs):
            assert each.help
            assert each.name == each.name.lower()
            if each.shown and not each.shown.startswith("${{"):
                assert each.parse(each.shown) == each.default


def test_an_unknown_flag_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rollout", "--canaries", "2"], {}) == 2
    said = capsys.readouterr().err
    assert "--canaries" in said
    assert "Traceback" not in said


def test_an_unknown_command_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["deploy"], {}) == 2
    assert "assume-role" in capsys.readouterr().err


def test_bad_input_is_an_annotation_under_actions(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rollout"], {"GITHUB_ACTIONS": "true"}) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("::error")] == lines
    assert len(lines) == 1


def test_a_refusal_ends_with_its_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(*_: object) -> Outcome:
        raise Refused("s3:PutObject was refused", "allow it")

    monkeypatch.setattr("deployer.commands.rollout.run", refuse)
    words = ["rollout", *(word for name, value in ROLLOUT.items() for word in (f"--{name}", value))]
    assert cli.main(words, {}) == 1
    assert capsys.readouterr().err.splitlines() == ["error: s3:PutObject was refused", "  allow it"]


def test_control_c_is_a_sentence_and_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> Outcome:
        raise KeyboardInterrupt

    monkeypatch.setattr("deployer.commands.rollout.run", interrupt)
    words = ["rollout", *(word for name, value in ROLLOUT.items() for word in (f"--{name}", value))]
    assert cli.main(words, {}) == 130
    assert capsys.readouterr().err.startswith("error: stopped by SIGINT")


def test_an_error_nobody_foresaw_is_a_sentence_and_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    def fail(*_: object) -> Outcome:
        raise RuntimeError("a surprise")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("deployer.commands.rollout.run", fail)
    words = ["rollout", *(word for name, value in ROLLOUT.items() for word in (f"--{name}", value))]
    assert cli.main(words, {}) == 1
    said = capsys.readouterr().err
    assert "unexpected RuntimeError" in said
    assert "Traceback" not in said
    assert any("a surprise" in path.read_text() for path in tmp_path.iterdir())


def test_a_machine_reads_the_outcome_from_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def succeed(_: object, console: Any) -> Outcome:
        console.say("on the way")
        return Outcome(3, {"status": "rolled-back"})

    monkeypatch.setattr("deployer.commands.rollout.run", succeed)
    words = ["rollout", "--json", *(word for name, value in ROLLOUT.items() for word in (f"--{name}", value))]
    assert cli.main(words, {}) == 3
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"status": "rolled-back", "exit_code": 3}
    assert "on the way" in shown.err
