"""Whatever a value in Parameter Store holds, the real compose gives the container the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from deployer.instance_files import activate
from localcloud.engine import Engine

# Without its last line `activate` only defines its functions.
CANONICAL = activate().removesuffix('main "${1:-}"\n') + 'find_compose; canonical "$1"'

ONE_LINE = (
    *("plain", "", " around ", "\ttab\t", "a=b=c", "한글 é", "it's", 'say "hi"', "'single'", '"double"'),
    *("pa$word", "pa$$word", "x${HOME}y", "${UNSET:?must}", "$", "$$$", "\\$x", "$1 \\1 &", "`id` $(id)"),
    *("a #b", "a#b", "#start", "back\\slash", "ends\\", "ends\\\\", "\\", '"', "\\n stays", "a\rb", "~", "!x", "*?[x]"),
    *("%s & | ; < >", '{json: "a\\"b"}', "\x01\x1b[0m\x7f"),
)
SEVERAL_LINES = ("one\ntwo", "-----BEGIN KEY-----\nMII$E/+=\n-----END KEY-----\n", "a\n\nb", "\n")


def canonical(parameters: str, raw: str) -> bytes:
    """What `activate` writes into the environment file."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "APP": "orange"}
    command = ["bash", "-c", CANONICAL, "bash", parameters]
    return subprocess.run(command, input=raw.encode(), stdout=subprocess.PIPE, env=environment, check=True).stdout


def given_by_compose(content: bytes, directory: Path) -> list[str]:
    (directory / ".env").write_bytes(content)
    service = {"image": "scratch", "env_file": [".env"]}
    (directory / "compose.yml").write_text(json.dumps({"services": {"app": service}}))
    command = [
        "docker",
        "compose",
        "-p",
        "orange",
        "--env-file",
        ".env",
        "-f",
        "compose.yml",
        "config",
        "--format=json",
    ]
    shown = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, check=True).stdout
    environment = json.loads(shown)["services"]["app"]["environment"]
    # `config` prints a file that could be read again, so it doubles every dollar
    return [environment[name].replace("$$", "$") for name in sorted(environment)]


def numbered(values: Sequence[str]) -> dict[str, str]:
    return {f"K{number:03}": value for number, value in enumerate(values)}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_env_file_in_one_parameter(engine: Engine, tmp_path: Path, line_end: str) -> None:
    del engine
    lines = ["# a comment", "", *(f"{name}={value}" for name, value in numbered(ONE_LINE).items())]

    given = given_by_compose(canonical("/orange/env", line_end.join(lines) + line_end), tmp_path)

    assert given == list(ONE_LINE)


def test_a_path_of_parameters(engine: Engine, tmp_path: Path) -> None:
    del engine
    values = (*ONE_LINE, *SEVERAL_LINES)
    # as the AWS CLI prints it
    listed = [[f"/orange/env/{name}", value] for name, value in numbered(values).items()]

    given = given_by_compose(canonical("/orange/env/", json.dumps(listed, indent=4, ensure_ascii=False)), tmp_path)

    assert given == list(values)
