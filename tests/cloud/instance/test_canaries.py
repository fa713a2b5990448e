"""What instances of processes let out is kept for the search at the end of a run; a leak there would be found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.options import CANARY
from localcloud.outputs import DIRECTORY
from localcloud.runtime import Script
from localcloud.runtime.process import ProcessRuntime
from tests.canaries.__main__ import main, unseen
from tests.waiting import eventually

NO_METADATA = 9  # discard: nothing listens


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's instances leave what they let out, so that its leaks are not those of the run."""
    directory = tmp_path / "outputs"
    directory.mkdir()
    monkeypatch.setenv(DIRECTORY, str(directory))
    return directory


@pytest.fixture
def runtime(tmp_path: Path, outputs: Path) -> Iterator[ProcessRuntime]:
    del outputs
    runtime = ProcessRuntime(tmp_path / "cloud", {}, ())
    yield runtime
    runtime.close()


@pytest.mark.parametrize(
    ("script", "kind"),
    [(f"echo {CANARY}", "scripts"), (f"echo {CANARY} >&2", "scripts"), (f"docker pull {CANARY} || true", "calls")],
)
def test_what_a_script_says_and_how_it_calls_programs(
    runtime: ProcessRuntime, outputs: Path, capsys: pytest.CaptureFixture[str], script: str, kind: str
) -> None:
    runtime.boot("i-1", "#!/bin/sh\n", NO_METADATA)
    assert runtime.run("i-1", Script("docker version; echo fine")).wait().exit_code == 0
    assert main([str(outputs)]) == 0

    runtime.run("i-1", Script(script)).wait()

    assert main([str(outputs)]) == 1
    assert f"error: {kind}." in capsys.readouterr().out


def test_what_the_console_shows(runtime: ProcessRuntime, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runtime.boot("i-1", f"#!/bin/sh\necho {CANARY}\n", NO_METADATA)
    eventually("user data has spoken", lambda: CANARY in runtime.user_data_log("i-1"))
    assert "consoles" in unseen(list(outputs.iterdir()))

    runtime.terminate("i-1")

    assert main([str(outputs)]) == 1
    assert "error: consoles." in capsys.readouterr().out
