"""Runs a command and says what it took, as JSON on stdout: `python -I measured.py LOG COMMAND…`.

A process of its own, and a small one: a child's peak memory begins with that of the process it was forked from.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main(log: str, command: list[str]) -> None:
    """The command's output goes to `log`; `peak_kib` is its largest resident set."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    actions = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
    began = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    told = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - began,
        "peak_kib": usage.ru_maxrss,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
