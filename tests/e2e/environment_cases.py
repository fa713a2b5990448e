"""Values that have to arrive in a container byte by byte."""

from __future__ import annotations

import json

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC$/+=\n\nBKcwggSj==\n-----END PRIVATE KEY-----\n"

_QUOTES_AND_SPACES = (
    *("plain", "", " around ", "  two", "\ttab\t", "in\tside", "a=b=c", "=", "==", "it's", 'say "hi"', "'single'"),
    *(
        '"double"',
        "'",
        '"',
        '""',
        "''",
        '"it\'s"',
        "'say \"hi\"'",
        '"open',
        "shut'",
        "a # b",
        "a#b",
        "#start",
        " #",
        "#",
    ),
)
_DOLLARS = (
    *(
        "pa$word",
        "pa$$word",
        "x${HOME}y",
        "${UNSET:?must}",
        "${A:-b}",
        "${A-}",
        "$",
        "$$",
        "$$$",
        "$}",
        "}$",
        "${",
        "}",
    ),
    *("$1 \\1 &", "$K000", "${K000}", "$(id)", "`id`", "${DEPLOYER_NONE}", "${DEPLOYER_NONE:-$}", "a}b{c", "end$"),
)
_BACKSLASHES = (
    *(
        "back\\slash",
        "ends\\",
        "ends\\\\",
        "\\",
        "\\\\",
        "\\\\\\",
        '\\"',
        '"\\',
        "\\$x",
        "$\\",
        "\\n stays",
        "\\t\\r\\0",
    ),
    *("\\u0041 \\x41 \\101", "C:\\new\\table", "\\\\server\\share\\", "\\${HOME}", "\\'", "a\\ b"),
)
_OTHERS = (
    *(
        "한글",
        "비밀번호=암호#1 $",
        "é ü ß",
        "😀",
        "👨‍👩‍👧 🇰🇷",
        "\U0010ffff",
        "\ufeffnot at the start",
        "\u00a0\u2028\u2029\x85",
    ),
    *(
        "a\rb",
        "\x01\x1b[0m\x7f",
        "\x0b\x0c\x08\x1f",
        "~",
        "!x",
        "*?[x]",
        "%s & | ; < >",
        "{{x}} {{ssm:y}}",
        "@env",
        "-n",
    ),
    *(
        '{"a": "b\\"c", "d": [1, null], "e": "$\\u00e9\\n"}',
        json.dumps({"type": "service_account", "private_key": PEM}),
    ),
    *(
        "postgres://u:p%40$s@db:5432/x?sslmode=require&a=b#c",
        "$2y$10$abcdefghijklmnopqrstuv",
        "null",
        "true",
        "0",
        "y: n",
    ),
)
_LONG = ("x" * 8192, "$" * 2048, "\\" * 2048, '"' * 2048, "\\$\"'# " * 1024, "가" * 2730)

ONE_LINE = (*_QUOTES_AND_SPACES, *_DOLLARS, *_BACKSLASHES, *_OTHERS, *_LONG)
"""Those that can stand in a line of an .env file."""

SEVERAL_LINES = (
    *(
        PEM,
        PEM.replace("\n", "\r\n"),
        "one\ntwo",
        "a\n\nb",
        "\nfirst",
        "last\n",
        "last\r\n",
        "\n",
        "\n\n",
        "\r",
        "ends\r",
    ),
    *("a\n# no comment\nB=c", "=\n=", "\\\n$\n\"\n'\n", "K000=other\nK001=other", json.dumps({"a": [1, 2]}, indent=2)),
)
"""Those that take a parameter of their own."""

NAMES = ("spring.datasource.url", "with-dash", "_", "_x9", "lower", "A.B-C_d", "export_")
"""Names of variables that Parameter Store and compose both take."""


def numbered(values: tuple[str, ...]) -> dict[str, str]:
    """The values under names that sort as they do."""
    return {f"K{number:03}": value for number, value in enumerate(values)}
