"""How the command line talks to a running cloud: a few calls below `/_localcloud`, for whoever holds its token."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PREFIX = "/_localcloud"
PATIENCE = 60
"""Seconds a call may take."""

Call = Callable[[Mapping[str, Any]], Any]


class ControlError(Exception):
    """A call was refused, or the cloud does not answer; the text says why."""


class Control:
    """A WSGI application: POST /_localcloud/NAME with JSON arguments, JSON back."""

    def __init__(self, token: str, calls: Mapping[str, Call]) -> None:
        self._token = token
        self._calls = calls

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        status, answer = self._answer(request)
        response = Response(json.dumps(answer), status=status, content_type="application/json")
        return response(environ, start_response)

    def _answer(self, request: Request) -> tuple[HTTPStatus, Any]:
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            return HTTPStatus.UNAUTHORIZED, {"error": "the control token is missing or wrong"}
        call = self._calls.get(request.path.removeprefix(PREFIX + "/"))
        if call is None or request.method != "POST":
            return HTTPStatus.NOT_FOUND, {"error": f"there is no call {request.path}"}
        try:
            return HTTPStatus.OK, call(json.loads(request.get_data() or b"{}"))
        except ControlError as error:
            return HTTPStatus.BAD_REQUEST, {"error": str(error)}


@dataclass(frozen=True)
class Client:
    """A running cloud, from outside its process."""

    origin: str
    token: str

    def call(self, name: str, /, **arguments: Any) -> Any:
        """Raises ControlError with the cloud's own words, or because it does not answer."""
        request = urllib.request.Request(  # noqa: S310  # the origin is a loopback address of ours
            f"{self.origin}{PREFIX}/{name}",
            data=json.dumps(arguments).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method="POST",
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=PATIENCE) as response:
                return json.loads(response.read())
        except HTTPError as error:
            raise ControlError(json.loads(error.read())["error"]) from error
        except (URLError, OSError) as error:
            raise ControlError(f"the cloud does not answer at {self.origin}: {error}") from error
