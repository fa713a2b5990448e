"""What a request asks for, whatever its protocol: JSON, a form with numbered lists, or EC2's form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from localcloud.aws.calls import body_of, speaks_json

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class Asked:
    """The parameters of one call."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        body = body_of(environ).decode("utf-8", "replace")
        self._json: Mapping[str, Any] | None = json.loads(body or "{}") if speaks_json(environ) else None
        self._form: dict[str, str] = {} if self._json is not None else dict(parse_qsl(body, keep_blank_values=True))

    def one(self, name: str) -> str:
        """A text, also of something inside (`IamInstanceProfile.Name`); empty where it is not given."""
        if self._json is not None:
            return str(self._json.get(name) or "")
        return self._form.get(name, "")

    def many(self, name: str, part: str = "") -> list[str]:
        """A list of texts, or of one `part` of each of its members."""
        if self._json is not None:
            members = self._json.get(name) or []
            return [str(each.get(part, "")) if part else str(each) for each in members]
        wanted = re.compile(rf"{re.escape(name)}(\.member)?\.\d+" + (rf"\.{re.escape(part)}" if part else ""))
        return [value for key, value in self._form.items() if wanted.fullmatch(key)]
