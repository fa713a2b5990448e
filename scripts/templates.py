"""Writes into infra/*.yml what instances are given: the SSM document, and the launch template's user data.

    python scripts/templates.py --write    writes them
    python scripts/templates.py --check    names each template that is not what it would write; exit code 1

Both texts come from deployer.instance_files, so that CloudFormation and `deployer render` hand out the same bytes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from deployer import instance_files  # noqa: E402 (needs the line above when run as a script)

BLOCK = re.compile(
    r"(?P<head>(?P<margin> +)# written by [^\n]*\n +\S[^\n]*\|\n).*?(?P<tail>(?P=margin)# end of what is written\n)",
    re.S,
)


NAMES_LINE = "export APP='a' BUCKET='b' GROUP='g' LIFECYCLE_HOOK='h'\n"
"""The one line of the user data in which CloudFormation puts names."""


def written() -> Mapping[str, tuple[str, ...]]:
    """Each template's path and its generated texts in order."""
    before, found, after = instance_files.user_data("a", "b", "g", "h").partition(NAMES_LINE)
    if not found:
        raise ValueError("scripts/instance/user-data has no line any more that begins with export APP=")
    return {"infra/storage.yml": (instance_files.ssm_document(),), "infra/fleet.yml": (before, after)}


def filled(template: str, texts: tuple[str, ...]) -> str:
    """The template with its generated blocks holding `texts`; raises ValueError unless there are as many."""
    blocks = list(BLOCK.finditer(template))
    parts, at = [], 0
    for match, text in zip(blocks, texts, strict=True):
        block = indent(text, match["margin"] + "  ")
        parts += [template[at : match.start()], match["head"], block, match["tail"]]
        at = match.end()
    return "".join([*parts, template[at:]])


def main(arguments: list[str]) -> int:
    """Exit code 1 where `--check` finds a difference."""
    if arguments not in (["--write"], ["--check"]):
        sys.stderr.write("usage: python scripts/templates.py --write | --check\n")
        return 2
    stale = False
    for name, texts in written().items():
        path = ROOT / name
        present = path.read_text(encoding="utf-8")
        wanted = filled(present, texts)
        if arguments == ["--write"]:
            path.write_text(wanted, encoding="utf-8")
        elif present != wanted:
            sys.stdout.write(f"{name} is not what scripts/instance makes of it; run make faces\n")
            stale = True
    return int(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
