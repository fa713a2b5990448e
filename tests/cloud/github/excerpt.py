"""Cuts out of GitHub's published OpenAPI description what says the shape of the calls we make: `description.json`.

    python -m tests.cloud.github.excerpt api.github.com.json

The whole description is at https://github.com/github/rest-api-description. Of its 13 MB the calls below are left, and
of these the schemas, without a word of prose.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DESCRIPTION = Path(__file__).with_name("description.json")
OPERATIONS = (
    ("GET", "/repos/{owner}/{repo}/commits/{ref}"),
    ("GET", "/repos/{owner}/{repo}/environments/{environment_name}"),
    ("GET", "/repos/{owner}/{repo}/deployments"),
    ("POST", "/repos/{owner}/{repo}/deployments"),
    ("GET", "/repos/{owner}/{repo}/deployments/{deployment_id}"),
    ("GET", "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses"),
    ("POST", "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses"),
    ("GET", "/repos/{owner}/{repo}/git/ref/{ref}"),
    ("POST", "/repos/{owner}/{repo}/git/refs"),
    ("GET", "/repos/{owner}/{repo}/git/tags/{tag_sha}"),
    ("POST", "/repos/{owner}/{repo}/git/tags"),
    ("POST", "/repos/{owner}/{repo}/releases"),
    ("POST", "/repos/{owner}/{repo}/releases/generate-notes"),
    ("GET", "/repos/{owner}/{repo}/releases/tags/{tag}"),
)
_OF_SCHEMAS = ("properties", "patternProperties")
_PROSE = ("description", "title", "example", "examples", "deprecated", "externalDocs", "readOnly")


def excerpt(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The calls we make, and every schema they refer to."""
    calls = {f"{method} {path}": _call(whole, method, path) for method, path in OPERATIONS}
    schemas: dict[str, Any] = {}
    waiting = _referred(calls)
    while waiting:
        name = waiting.pop()
        schemas[name] = _bare(whole["components"]["schemas"][name])
        waiting |= _referred(schemas[name]) - set(schemas)
    return {"calls": calls, "components": {"schemas": dict(sorted(schemas.items()))}}


def _call(whole: Mapping[str, Any], method: str, path: str) -> dict[str, Any]:
    described = whole["paths"][path][method.lower()]
    answers = {status: _schema(whole, answer) for status, answer in described["responses"].items()}
    return {"asked": _schema(whole, described.get("requestBody", {})), "answered": answers}


def _schema(whole: Mapping[str, Any], body: Mapping[str, Any]) -> Any:
    """Of a body as JSON; None where there is none."""
    while "$ref" in body:
        _, _, kind, name = body["$ref"].split("/")
        body = whole["components"][kind][name]
    return _bare(body.get("content", {}).get("application/json", {}).get("schema"))


def _bare(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {key: _bare(value) for key, value in each.items()} if name in _OF_SCHEMAS else _bare(each)
        for name, each in schema.items()
        if name not in _PROSE and not name.startswith("x-")
    }


def _referred(part: Any) -> set[str]:
    if isinstance(part, list):
        return {name for each in part for name in _referred(each)}
    if not isinstance(part, dict):
        return set()
    here = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set()
    return here | {name for each in part.values() for name in _referred(each)}


if __name__ == "__main__":
    cut = excerpt(json.loads(Path(sys.argv[1]).read_text()))
    DESCRIPTION.write_text(json.dumps(cut, indent=1) + "\n")
