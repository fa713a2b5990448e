"""`python -m tests.canaries DIRECTORY [--whole]`: searches what a run let out for the secret of its clouds.

Fails where any part of it is found and, with --whole (every test ran), where nothing was kept of a kind, for then the
search has seen nothing of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from localcloud.options import CANARY

KINDS = ("calls", "commands", "consoles", "jobs", "log", "objects", "scripts")
"""How programs were called, what instances were sent, their consoles, what commands and runners said, pytest's own log,
what lies in buckets, what scripts on instances said."""

PART = CANARY[: len(CANARY) // 3].encode()
SHOWN = 60  # characters before the secret, which lead to where it came from


def main(words: Sequence[str]) -> int:
    """0 if nothing was let out."""
    files = sorted(Path(words[0]).iterdir())
    problems = [problem for each in files for problem in leaks(each)]
    if "--whole" in words:
        problems += [f"nothing was kept of {kind}: the search has not seen them" for kind in unseen(files)]
    for each in problems:
        sys.stdout.write(f"error: {each}\n")
    return 1 if problems else 0


def leaks(file: Path) -> Iterator[str]:
    """Where the secret stands in a file, line by line."""
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        if (at := line.find(PART)) >= 0:
            before = line[max(0, at - SHOWN) : at].decode(errors="replace")
            yield f"{file.name}, line {number}: a secret was let out after {before!r}"


def unseen(files: Sequence[Path]) -> list[str]:
    """The kinds of which there is nothing."""
    seen = {each.name.partition(".")[0] for each in files if each.stat().st_size}
    return [kind for kind in KINDS if kind not in seen]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
