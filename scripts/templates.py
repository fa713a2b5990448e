"""Writes into infra/*.yml what instances are given, and into docs/infrastructure.md the templates' parameters.

    python scripts/templates.py --write    writes them
    python scripts/templates.py --check    names each file that is not what it would write; exit code 1

The SSM document and the user data come from deployer.instance_files, so that CloudFormation and `deployer render` hand
out the same bytes.
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
from deployer.infra.template import read  # noqa: E402

BLOCK = re.compile(
    r"(?P<head>(?P<margin> +)# written by [^\n]*\n +\S[^\n]*\|\n).*?(?P<tail>(?P=margin)# end of what is written\n)",
    re.S,
)


TABLE = re.compile(
    r"(?P<head><!-- written by make faces: (?P<template>[a-z.]+) -->\n).*?(?P<tail><!-- end -->\n)", re.S
)
NAMES_LINE = "export APP='a' BUCKET='b' GROUP='g' LIFECYCLE_HOOK='h'\n"
"""The one line of the user data in which CloudFormation puts names."""


def written() -> Mapping[str, str]:
    """Each file's path and what it should hold."""
    before, found, after = instance_files.user_data("a", "b", "g", "h").partition(NAMES_LINE)
    if not found:
        raise ValueError("scripts/instance/user-data has no line any more that begins with export APP=")
    texts = {"infra/storage.yml": (instance_files.ssm_document(),), "infra/fleet.yml": (before, after)}
    filled = {name: with_texts(_present(name), each) for name, each in texts.items()}
    guide = "docs/infrastructure.md"
    return {**filled, guide: TABLE.sub(lambda at: at["head"] + table(at["template"]) + at["tail"], _present(guide))}


def with_texts(template: str, texts: tuple[str, ...]) -> str:
    """The template with its generated blocks holding `texts`; raises ValueError unless there are as many."""
    blocks = list(BLOCK.finditer(template))
    parts, at = [], 0
    for match, text in zip(blocks, texts, strict=True):
        block = indent(text, match["margin"] + "  ")
        parts += [template[at : match.start()], match["head"], block, match["tail"]]
        at = match.end()
    return "".join([*parts, template[at:]])


def table(template: str) -> str:
    """The parameters of a template as a table."""
    rows = [
        f"| `{name}` | {_default(each)} | {each['Description']} |"
        for name, each in read(template)["Parameters"].items()
    ]
    return "\n".join(["| parameter | default | what |", "|---|---|---|", *rows, ""])


def _default(parameter: Mapping[str, object]) -> str:
    if "Default" not in parameter:
        return "required"
    return f"`{parameter['Default']}`" if parameter["Default"] != "" else "empty"


def _present(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Exit code 1 where `--check` finds a difference."""
    if arguments not in (["--write"], ["--check"]):
        sys.stderr.write("usage: python scripts/templates.py --write | --check\n")
        return 2
    stale = {name: text for name, text in written().items() if text != _present(name)}
    for name, text in stale.items():
        if arguments == ["--write"]:
            (ROOT / name).write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(f"{name} is not up to date; run make faces\n")
    return int(bool(stale) and arguments == ["--check"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
