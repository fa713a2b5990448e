"""What a person, a runner and a machine get to see of a command."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

import deployer
from deployer.core.errors import BadInput, DeployError, Refused
from deployer.github.console import Console, console_for
from deployer.github.job_files import SUMMARY_LIMIT, append_summary, append_values
from deployer.outcome import Outcome

ACTIONS = {"GITHUB_ACTIONS": "true"}


def at_a_terminal() -> Console:
    return console_for({}, machine_readable=False)


def under_actions(**more: str) -> Console:
    return console_for({**ACTIONS, **more}, machine_readable=False)


def outputs_in(path: Path) -> dict[str, str]:
    """Reads a file of outputs as the runner does."""
    pairs = re.findall(r"(.+?)<<(deployer_\w+)\n(.*?)\n\2\n", path.read_text(), re.DOTALL)
    return {name: value for name, _, value in pairs}


def test_a_terminal_gets_plain_lines_and_errors_with_their_fix(capsys: pytest.CaptureFixture[str]) -> None:
    console = at_a_terminal()
    with console.group("canary"):
        console.say("i-1 activated")
    console.error(Refused("s3:GetObject was refused", "add this:\n{}"))
    out, err = capsys.readouterr()
    assert out == "▸ canary\ni-1 activated\n"
    assert err == "error: s3:GetObject was refused\n  add this:\n  {}\n"


def test_a_runner_gets_groups_that_close_even_when_what_is_inside_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(Refused), under_actions().group("wave 1"):
        raise Refused("no")
    assert capsys.readouterr().out == "::group::wave 1\n::endgroup::\n"


def test_a_group_inside_a_group_is_a_line_because_the_runner_knows_one_level(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = under_actions()
    with console.group("outer"):
        with console.group("inner"):
            pass
        console.say("still inside")
    assert capsys.readouterr().out.splitlines() == [
        "::group::outer",
        "▸ inner",
        "still inside",
        "::endgroup::",
    ]


def test_annotations_escape_what_would_end_them(capsys: pytest.CaptureFixture[str]) -> None:
    console = under_actions()
    console.warning("a: b, c", "50% done\r\nthen stopped")
    assert capsys.readouterr().out == "::warning title=a%3A b%2C c::50%25 done%0D%0Athen stopped\n"


def test_an_error_under_actions_is_one_annotation_with_cause_and_fix(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    summary = tmp_path / "summary"
    under_actions(GITHUB_STEP_SUMMARY=str(summary)).error(BadInput("timeout is 'x'", "write 10m"))
    assert capsys.readouterr().out == "::error title=deploy::timeout is 'x'%0Awrite 10m\n"
    assert "timeout is 'x'" in summary.read_text()
    assert "write 10m" in summary.read_text()


@pytest.mark.parametrize("line", ["::add-mask::x", "  ::error::x", "text\n::stop-commands::x", "a\r::set-x::"])
def test_an_instance_cannot_give_the_runner_commands_through_the_log(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    under_actions().say(line)
    shown = re.split(r"[\r\n]", capsys.readouterr().out)
    assert not [each for each in shown if each.lstrip().startswith("::")]


def test_the_old_command_syntax_is_defused_wherever_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    under_actions().say("log ##[error]x")
    assert "##[" not in capsys.readouterr().out


def test_what_was_masked_is_hidden_in_everything_said_later(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    outputs, summary = tmp_path / "output", tmp_path / "summary"
    console = under_actions(GITHUB_OUTPUT=str(outputs), GITHUB_STEP_SUMMARY=str(summary))
    console.mask("hunter2")
    assert capsys.readouterr().out == "::add-mask::hunter2\n"
    console.say("password hunter2")
    with console.group("hunter2"):
        console.warning("hunter2", "hunter2")
    console.error(DeployError("hunter2", "hunter2"))
    console.unexpected(ValueError("hunter2"))
    console.finish(Outcome(outputs={"report": "hunter2"}, summary="hunter2"))
    everything = "".join(capsys.readouterr()) + outputs.read_text() + summary.read_text()
    assert "hunter2" not in everything
    assert everything.count("***") >= 7


def test_each_line_of_a_masked_value_is_hidden_too(capsys: pytest.CaptureFixture[str]) -> None:
    console = at_a_terminal()
    console.mask("BEGIN\nsecret-line\n\nEND")
    console.say("it printed secret-line and nothing else")
    console.mask("")
    console.say("plain")
    assert capsys.readouterr().out == "it printed *** and nothing else\nplain\n"


def test_of_two_masked_values_the_longer_is_hidden_whole(capsys: pytest.CaptureFixture[str]) -> None:
    console = at_a_terminal()
    console.mask("abc")
    console.mask("abcdef")
    console.say("abcdef abc")
    assert capsys.readouterr().out == "*** ***\n"


def test_outputs_of_every_kind_reach_the_job(tmp_path: Path) -> None:
    path = tmp_path / "output"
    outcome = Outcome(
        outputs={"version": "v1", "total": 3, "done": True, "report": None, "ids": ["a"], "text": "a\nb=c<<d"}
    )
    under_actions(GITHUB_OUTPUT=str(path)).finish(outcome)
    assert outputs_in(path) == {
        "version": "v1",
        "total": "3",
        "done": "true",
        "report": "",
        "ids": '["a"]',
        "text": "a\nb=c<<d",
    }


def test_a_value_with_the_delimiter_in_it_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "known")
    with pytest.raises(DeployError, match="delimiter"):
        append_values(str(tmp_path / "output"), {"version": "v1\ndeployer_known\nPATH<<x"})
    assert not (tmp_path / "output").exists()


def test_two_values_never_share_a_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "output"
    append_values(str(path), {"a": "1", "b": "2"})
    assert len(set(re.findall(r"<<(\w+)", path.read_text()))) == 2


def test_an_output_file_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="cannot write"):
        append_values(str(tmp_path / "no-such-folder" / "output"), {"a": "1"})


def test_a_summary_stays_below_githubs_limit_and_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    append_summary(str(path), "# first")
    append_summary(str(path), "ö" * SUMMARY_LIMIT)
    append_summary(str(path), "no room left")
    text = path.read_bytes()
    assert len(text) <= SUMMARY_LIMIT
    assert text.startswith(b"# first\n")
    assert "does not fit" in text.decode()


def test_a_machine_gets_json_on_stdout_and_the_log_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    console = console_for({}, machine_readable=True)
    console.mask('se"cret')
    console.say("working")
    console.finish(Outcome(exit_code=3, outputs={"version": "v1", "total": 3, "text": 'se"cret'}))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"version": "v1", "total": 3, "text": "***", "exit_code": 3}
    assert err == "working\n"


def test_a_machine_is_told_why_the_end_is_not_a_good_one(capsys: pytest.CaptureFixture[str]) -> None:
    console = console_for({}, machine_readable=True)
    console.mask("secret")
    failure = DeployError("rolled back to v1: secret", "read the log of i-1")
    console.finish(Outcome(exit_code=3, outputs={"status": "rolled-back"}, failure=failure))
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "status": "rolled-back",
        "error": "rolled back to v1: ***",
        "fix": "read the log of i-1",
        "exit_code": 3,
    }
    assert err == "error: rolled back to v1: ***\n  read the log of i-1\n"


def test_a_machine_gets_json_of_an_error_too(capsys: pytest.CaptureFixture[str]) -> None:
    console_for(ACTIONS, machine_readable=True).error(BadInput("bad", "good"))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"exit_code": 2, "error": "bad", "fix": "good"}
    assert err == "::error title=deploy::bad%0Agood\n"


def crash(console: Console) -> None:
    try:
        raise KeyError("version")
    except KeyError as error:
        console.unexpected(error)


def test_an_unforeseen_error_shows_a_sentence_and_keeps_its_traceback_private(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    crash(at_a_terminal())
    (kept,) = tmp_path.iterdir()
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert str(kept) in err
    assert "please report" in err
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "KeyError: 'version'" in kept.read_text()


def test_debugging_shows_the_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    crash(console_for({"DEPLOYER_DEBUG": "1"}, machine_readable=False))
    assert "Traceback" in capsys.readouterr().err


def test_no_room_for_the_traceback_is_no_second_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    crash(at_a_terminal())
    assert "unexpected KeyError" in capsys.readouterr().err


def test_a_terminal_without_utf8_gets_question_marks_not_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out"
    with path.open("w", encoding="ascii") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        at_a_terminal().say("▸ done")
    assert path.read_text() == "? done\n"


@pytest.mark.parametrize("environment", [{}, ACTIONS], ids=["terminal", "actions"])
def test_a_reader_that_goes_away_does_not_end_a_rollout_half_way(environment: dict[str, str], tmp_path: Path) -> None:
    done = tmp_path / "done"
    program = f"""
from pathlib import Path
from deployer.github.console import console_for
console = console_for({environment!r}, machine_readable=False)
for wave in ("canary", "rest"):
    with console.group(wave):
        console.say("working")
        console.warning("i-1", "slow")
Path({str(done)!r}).touch()
"""
    env = {**os.environ, "PYTHONPATH": str(Path(deployer.__file__).parents[1])}
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=PIPE, text=True, env=env)
    os.close(writer)
    assert (ended.returncode, "Error" in ended.stderr) == (0, False)
    assert done.exists()


def test_exporting_outside_a_job_is_refused() -> None:
    with pytest.raises(DeployError, match="GITHUB_ENV"):
        at_a_terminal().export({"A": "1"})


def test_an_end_that_is_not_good_is_announced_beside_its_outputs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    output, summary = tmp_path / "output", tmp_path / "summary"
    console = under_actions(GITHUB_OUTPUT=str(output), GITHUB_STEP_SUMMARY=str(summary))
    failure = DeployError("rolled back to v1: v2 was not healthy", "read the log of i-1")
    console.finish(Outcome(exit_code=3, outputs={"status": "rolled-back"}, summary="# table", failure=failure))
    shown = capsys.readouterr().out
    assert shown == "::error title=deploy::rolled back to v1: v2 was not healthy%0Aread the log of i-1\n"
    assert outputs_in(output) == {"status": "rolled-back"}
    assert summary.read_text() == "# table\n"
