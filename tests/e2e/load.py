"""A steady load on one address, by wrk: how many requests, who answered them, and how many failed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.engine_command import search_path

CONNECTIONS = 4
PAUSE = 20
"""Milliseconds between an answer and the next request on its connection: the machine is not to be the bottleneck."""
LONGEST = 600
"""Seconds after which a load that nobody ends is over."""

# One line of JSON at the end: what was answered (the first two words of each page) and what wrk counts as an error.
_SCRIPT = """\
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() answers = {} end
function delay() return %d end
function response(status, headers, body)
  local said = status == 200 and body:match("^%%S+ %%S+") or "status " .. status
  answers[said] = (answers[said] or 0) + 1
end
function done(summary)
  local pairs_of = {}
  for _, thread in ipairs(threads) do
    for said, times in pairs(thread:get("answers")) do
      table.insert(pairs_of, string.format('["%%s", %%d]', said, times))
    end
  end
  local e = summary.errors
  print(string.format('{"answers": [%%s], "connect": %%d, "read": %%d, "write": %%d, "timeout": %%d, "status": %%d}',
    table.concat(pairs_of, ", "), e.connect, e.read, e.write, e.timeout, e.status))
end
"""


@dataclass
class Heard:
    """What came of a load. An answer is the beginning of a page, or `status` and the code where that is not 200."""

    answers: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    """Of sockets (connect, read, write, timeout) and of answers that are not 2xx (status)."""

    @property
    def requests(self) -> int:
        return self.answers.total()

    @property
    def failed(self) -> int:
        return self.errors.total()

    def __str__(self) -> str:
        answers = ", ".join(f"{times} from {said}" for said, times in sorted(self.answers.items()))
        return f"{self.requests} requests ({answers}), {self.failed} failed"


@contextmanager
def load_on(url: str, directory: Path) -> Iterator[Heard]:
    """Asks as long as the block lasts, on connections that are kept and on a new one for each request."""
    heard = Heard()
    script = directory / "load.lua"
    script.write_text(_SCRIPT % PAUSE)
    wrk = shutil.which("wrk", path=search_path())
    assert wrk, "wrk is not installed: run localcloud/install"
    words = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{LONGEST}", "--timeout", "10s", "-s", str(script)]
    loads = [
        subprocess.Popen([*words, *header, url], stdout=subprocess.PIPE, text=True)
        for header in ([], ["-H", "Connection: close"])
    ]
    try:
        yield heard
    finally:
        for each in loads:
            each.send_signal(signal.SIGINT)
            _take_in(heard, each.communicate(timeout=30)[0])


def _take_in(heard: Heard, output: str) -> None:
    counted = json.loads(output.splitlines()[-1])
    for said, times in counted.pop("answers"):
        heard.answers[said] += times
    heard.errors.update({kind: times for kind, times in counted.items() if times})
