"""Two programs of the instances made of processes, kept warm: the real AWS CLI, and the stand-in for `docker`.

    python -m localcloud.runtime.process_programs SOCKET

Most of what a call costs is its start: for the CLI hundreds of modules, and the descriptions of whole services. A cloud
of processes makes thousands of calls on one machine, so one process imports and reads all that once, and forks for
each call. What runs is the program with the caller's arguments, environment, directory and files, as if started anew.
The caller is `process_call.py`; when it is killed, its call is killed too. Ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from awscli.clidriver import create_clidriver
from botocore.loaders import JSONFileLoader

from localcloud.runtime import process_docker

LONGEST_CALL = 1 << 20  # bytes of arguments and environment; Linux allows about as much
WARMED = (
    ("s3api", "get-object", "--bucket", "b", "--key", "k", os.devnull),
    ("s3", "cp", "s3://b/k", os.devnull),
    ("ssm", "get-parameter", "--name", "n"),
    ("autoscaling", "describe-account-limits"),
)
"""Calls made once at the start, to an address nobody listens at, for what they import."""

NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
}


def _aws(words: list[str]) -> int:
    os.environ["AWS_DATA_PATH"] = _DATA_PATH
    sys.argv = ["aws", *words]
    return int(create_clidriver().main(words))


_DATA_PATH = os.environ["AWS_DATA_PATH"]  # the CLI sets it when it is imported
PROGRAMS: Mapping[str, Callable[[list[str]], int]] = {
    "awscli": _aws,
    "localcloud.runtime.process_docker": process_docker.main,
}
"""By the name of the module that runs when the program is started anew."""


@dataclass(frozen=True)
class Call:
    """One call under way: the process that makes it, and the caller who waits for its exit code."""

    pid: int
    ended: int
    caller: socket.socket


class WarmPrograms:
    """Takes calls from a listening socket until `until` (a file descriptor) ends."""

    def __init__(self, listening: socket.socket, until: int) -> None:
        self._listening, self._until = listening, until
        self._selector = selectors.DefaultSelector()
        self._selector.register(listening, selectors.EVENT_READ)
        self._selector.register(until, selectors.EVENT_READ)

    def serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listening:
                    self._take()
                elif key.fileobj == self._until:
                    return self._kill_all()
                elif isinstance(key.data, Call):
                    self._finish(key.data, gone=key.fileobj is key.data.caller)

    def _take(self) -> None:
        caller, _ = self._listening.accept()
        asked, files = _receive(caller)
        if asked is None:
            caller.close()
            return
        pid = os.fork()
        if pid == 0:
            _be_the_program(asked, files)
        for each in files:
            os.close(each)
        call = Call(pid, os.pidfd_open(pid), caller)
        self._selector.register(call.ended, selectors.EVENT_READ, call)
        self._selector.register(call.caller, selectors.EVENT_READ, call)

    def _finish(self, call: Call, gone: bool) -> None:
        """The process has ended, or nobody waits for it any more."""
        if call.caller.fileno() < 0:
            return  # both happened at once, and the other one was seen first
        if gone:
            signal.pidfd_send_signal(call.ended, signal.SIGKILL)
        _, status = os.waitpid(call.pid, 0)
        for each in (call.ended, call.caller):
            self._selector.unregister(each)
        with contextlib.suppress(OSError):
            call.caller.sendall(bytes([os.waitstatus_to_exitcode(status) & 0xFF]))
        os.close(call.ended)
        call.caller.close()

    def _kill_all(self) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, Call):
                self._finish(key.data, gone=True)


def _receive(caller: socket.socket) -> tuple[Mapping[str, Any] | None, list[int]]:
    """What is asked for, and the caller's standard files; None from a caller who was killed as it asked."""
    begin, files, _, _ = socket.recv_fds(caller, LONGEST_CALL, 3)
    text = begin
    while text and not text.endswith(b"\n"):
        more = caller.recv(LONGEST_CALL)
        text = text + more if more else b""
    return (json.loads(text), list(files)) if text else (None, list(files))


def _be_the_program(asked: Mapping[str, Any], files: Sequence[int]) -> None:
    """In the forked process: everything of the caller's, then the program. Never returns."""
    code = 255
    try:
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.closerange(3, 256)
        os.chdir(asked["directory"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), "utf-8", "surrogateescape")
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.BufferedWriter(io.FileIO(number, "w", closefd=False)), "utf-8", "surrogateescape")
            for number in (1, 2)
        )
        code = PROGRAMS[asked["program"]](asked["words"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        with contextlib.suppress(OSError):  # as from a caller who reads no more
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _warm_up() -> None:
    """Imports what calls import, and keeps the descriptions of services once they are read."""
    JSONFileLoader.load_file = staticmethod(functools.cache(JSONFileLoader().load_file))
    before = dict(os.environ)
    os.environ.update(NOWHERE)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        for words in WARMED:
            with contextlib.suppress(SystemExit):
                create_clidriver().main(list(words))
    os.environ.clear()
    os.environ.update(before)


def main(place: Path) -> None:
    _warm_up()
    with socket.socket(socket.AF_UNIX) as listening:
        directory = os.open(place.parent, os.O_PATH)
        listening.bind(f"/proc/self/fd/{directory}/{place.name}")  # a socket's path has 107 bytes at most
        listening.listen(128)
        WarmPrograms(listening, sys.stdin.fileno()).serve()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
