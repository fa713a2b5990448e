"""The instances' AWS CLI and `docker` answer as those that start anew for each call."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.runtime import Finished, Script
from localcloud.runtime.process import ProcessRuntime
from tests.cloud.instance.instances import BUCKET, NO_METADATA, Surroundings
from tests.loopback_server import Request, loopback_server
from tests.waiting import eventually

AWS = Path(sys.executable).parent / "aws"
REGION = "AWS_DEFAULT_REGION=eu-west-1"
CALLS = (
    "--version",
    "ssm get-parameter --name /warm --with-decryption --query Parameter.Value --output text",
    "ssm get-parameter --name /없음",
    f"s3api get-object --bucket {BUCKET} --key nothing here/o",
    f"s3 cp --recursive s3://{BUCKET}/nothing .",
    "s3api no-such-command",
    "sts get-caller-identity --no-such-option",
)


@pytest.fixture
def runtime(surroundings: Surroundings, tmp_path: Path) -> Iterator[ProcessRuntime]:
    """One with an instance called i-one, whose programs are warm."""
    surroundings.ssm.put_parameter(Name="/warm", Value="A=1\nB=한글 \\t\n", Type="SecureString", Overwrite=True)
    runtime = surroundings.runtime_in(tmp_path)
    runtime.boot("i-one", "#!/bin/sh\n", NO_METADATA)
    eventually("programs are warm", lambda: (tmp_path / "instances" / "programs.sock").exists())
    yield runtime
    runtime.close()


def sh(runtime: ProcessRuntime, text: str, timeout: int = 60) -> Finished:
    return runtime.run("i-one", Script(text, timeout=timeout)).wait()


def under_way(tmp_path: Path) -> list[str]:
    """The processes that make calls: the children of the warm one."""
    mark = str(tmp_path / "instances" / "programs.sock").encode()
    for process in Path("/proc").glob("[0-9]*"):
        if (process / "cmdline").read_bytes().split(b"\0")[-2:-1] == [mark]:
            return (process / "task" / process.name / "children").read_text().split()
    return []


@pytest.mark.parametrize("words", CALLS)
def test_a_call_answers_as_from_a_cold_start(runtime: ProcessRuntime, words: str) -> None:
    warm, cold = (sh(runtime, f"{REGION} {program} {words}") for program in ("aws", shlex.quote(str(AWS))))
    assert warm == cold


@pytest.mark.parametrize("words", ["version", "image inspect none", "ps -aq --filter any", "run x", "inspect --format"])
def test_docker_answers_as_from_a_cold_start(runtime: ProcessRuntime, tmp_path: Path, words: str) -> None:
    warm = sh(runtime, f"docker {words}")
    (tmp_path / "instances" / "programs.sock").unlink()
    assert warm == sh(runtime, f"docker {words}")


def test_calls_at_once_are_all_answered(runtime: ProcessRuntime) -> None:
    loop = "for call in $(seq 60); do docker compose version --short || echo refused; done"
    said = sh(runtime, " & ".join([f"( {loop} )"] * 4) + " & wait")
    assert (said.exit_code, set(said.stdout.split())) == (0, {"2.32.4"}), said.stderr


def test_compose_v1_of_this_machine_is_out_of_reach(runtime: ProcessRuntime) -> None:
    assert sh(runtime, "docker-compose version").exit_code == 127


def test_a_call_reads_and_writes_the_callers_own_files(runtime: ProcessRuntime) -> None:
    there, back = f"aws s3 cp - s3://{BUCKET}/some", f"aws s3 cp s3://{BUCKET}/some -"
    copied = sh(runtime, f"export {REGION}; printf 한글 | {there} && {back}")
    assert (copied.exit_code, copied.stdout) == (0, "한글")


def test_a_killed_caller_ends_its_call(runtime: ProcessRuntime, tmp_path: Path) -> None:
    asked, over = threading.Event(), threading.Event()

    def answer(request: Request) -> None:
        asked.set()
        over.wait(60)
        request.reply(500, "")

    with loopback_server(answer) as address:
        call = f"AWS_ENDPOINT_URL=http://127.0.0.1:{address.port} {REGION} aws sts get-caller-identity"
        run = runtime.run("i-one", Script(call))
        eventually("the call is under way", asked.is_set)
        assert under_way(tmp_path)
        run.kill()
        eventually("nobody makes it any more", lambda: not under_way(tmp_path))
        over.set()


def test_without_a_warm_one_the_cli_itself_is_started(runtime: ProcessRuntime, tmp_path: Path) -> None:
    (tmp_path / "instances" / "programs.sock").unlink()
    assert sh(runtime, "aws --version").stdout.startswith("aws-cli/")
