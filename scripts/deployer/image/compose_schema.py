"""Compose files under the compose specification's own JSON schema.

What compose would refuse on the first instance is refused here, where somebody is looking, with its line. The schema
comes in a package that keeps it up to date: docs/decisions/0025-compose-files.md.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from deployer.image.compose_yaml import line_of, refuse, untagged

_UNKNOWN = ("additionalProperties", "unevaluatedProperties")
_LENIENT = "uniqueItems"
"""Compose takes a port or a volume that is written twice for one."""
_FIX = "see the compose file reference; `docker compose config` shows it too"


def check(path: str, body: bytes, document: object) -> None:
    """Raises BadInput for the worst of what is against the specification in `document`, parsed from `body`."""
    from jsonschema.exceptions import best_match

    worst_first = sorted(_schema().iter_errors(untagged(document)), key=_depth, reverse=True)
    errors = [best_match([each]) for each in worst_first]  # of several forms, the one that was probably meant
    certain = [each for each in errors if not _varies(each) and each.validator != _LENIENT]
    if not certain or (certain != errors and certain[0].validator in _UNKNOWN):
        return  # a value that a variable may mend makes its neighbours unknown to the schema
    error = certain[0]
    place = list(error.absolute_path)
    named = "".join(f"{each}." for each in place)
    if error.validator in _UNKNOWN:
        unknown = [name for name in error.instance if repr(name) in error.message]
        line = line_of(body, [*place, *unknown[:1]])
        refuse(path, line, f"compose knows no {', '.join(f'{named}{each}' for each in unknown)}", _FIX)
    refuse(path, line_of(body, place), f"{named[:-1] or 'the file'}: {_shortened(error.message)}", _FIX)


@cache
def _schema() -> Any:
    """The package's file alone: the package itself is a command line, which takes half a second to import."""
    from jsonschema.validators import validator_for

    place = distribution("check-jsonschema").locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json")
    schema = json.loads(Path(str(place)).read_bytes())
    return validator_for(schema)(schema)


def _depth(error: Any) -> tuple[int, bool]:
    """Deeper ones say more; where a key's value is wrong, the schema calls the key unknown as well."""
    return len(error.absolute_path), error.validator not in _UNKNOWN


def _varies(error: Any) -> bool:
    """Whether it is about a value with a variable in it: what compose checks is what that stands for."""
    return error.validator not in _UNKNOWN and _has_variable(error.instance)


def _has_variable(value: Any) -> bool:
    if isinstance(value, str):
        return "$" in value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_has_variable(each) for each in parts)


def _shortened(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:200]}…"
