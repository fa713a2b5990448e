"""GitHub's REST API as the local cloud plays it, held to GitHub's own description: what is asked, and what answered.

`description.json` is the part of that description that says the shape of the calls we make (see `excerpt.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from openapi_schema_validator import OAS30Validator
from werkzeug.wrappers import Request, Response

from tests.cloud.github.excerpt import DESCRIPTION

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_DESCRIPTION = json.loads(DESCRIPTION.read_text())
_REFUSALS = range(400, 600)
"""Of these GitHub describes some only, the rest for all calls at once."""


@dataclass
class Described:
    """Passes calls on to `application`; `wrong` tells each that is not as GitHub describes it."""

    application: WSGIApplication
    prefix: str
    wrong: list[str] = field(default_factory=list)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        asked = request.get_data()
        environ["wsgi.input"] = BytesIO(asked)
        response = Response.from_app(self.application, environ)
        path = request.path.removeprefix(self.prefix)
        self.wrong += wrong_in(request.method, path, asked, response.status_code, response.get_data())
        return response(environ, start_response)


def wrong_in(method: str, path: str, asked: bytes, status: int, answered: bytes) -> Iterator[str]:
    """What of one call is not as described; paths begin at the root of the API."""
    call = _call(method, path)
    if call is None:
        yield f"{method} {path}: no call that was cut out of the description"
        return
    here = f"{method} {path} {status}"
    if call["asked"]:
        yield from _violations(f"{here}, asked", json.loads(asked), _closed(call["asked"]))
    if str(status) in call["answered"]:
        yield from _violations(f"{here}, answered", json.loads(answered), call["answered"][str(status)] or {})
    elif status not in _REFUSALS:
        yield f"{here}: an answer that GitHub does not give"


def _call(method: str, path: str) -> Mapping[str, Any] | None:
    for name, call in _DESCRIPTION["calls"].items():
        described, _, template = name.partition(" ")
        pattern = re.sub(r"\\\{(ref|tag)\\\}$", ".+", re.escape(template))  # a ref's name may have slashes
        if described == method and re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", pattern), path):
            found: Mapping[str, Any] = call
            return found
    return None


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same, but a field that is not described is wrong: GitHub would take no notice of it."""
    return {**schema, "additionalProperties": False}


def _violations(where: str, document: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    validator = OAS30Validator({**schema, "components": _DESCRIPTION["components"]})
    for error in validator.iter_errors(document):
        yield f"{where}: {error.json_path}: {error.message}"
