"""Calls that go wrong on request: refused before they are carried out, or carried out and their answer lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from localcloud.aws.calls import Call, call_of, speaks_json
from localcloud.aws.error_answers import error_answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Effect = Callable[["WSGIApplication", "WSGIEnvironment"], "WSGIApplication"]
"""What answers in the place of the application."""


@dataclass
class Disturbance:
    """One thing that goes wrong: `where` is `service:Operation`, `service`, or empty for every call."""

    name: str
    effect: Effect
    where: str
    calls: int | None
    """How many calls are left to it; None: no limit."""
    until: float | None
    """Monotonic time of its end; None: until it is taken back."""

    @property
    def over(self) -> bool:
        """Whether it has had its calls, or its time."""
        return self.calls == 0 or (self.until is not None and time.monotonic() >= self.until)

    def meets(self, call: Call, environ: WSGIEnvironment) -> bool:
        """Whether a call is one it is about."""
        if self.effect is conflict and not _conditional(call, environ):
            return False
        return self.where.lower() in ("", call.service.lower(), str(call).lower())


class Disturbances:
    """A WSGI application: the one behind it, and what goes wrong with it."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._present: list[Disturbance] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        effect = self._effect_on(environ)
        answering = effect(self._application, environ) if effect else self._application
        return answering(environ, start_response)

    def add(self, disturbance: Disturbance) -> None:
        """From the next call on."""
        with self._lock:
            self._present.append(disturbance)

    def remove(self, name: str) -> None:
        """Takes back all of that name."""
        with self._lock:
            self._present = [each for each in self._present if each.name != name]

    def _effect_on(self, environ: WSGIEnvironment) -> Effect | None:
        with self._lock:
            self._present = [each for each in self._present if not each.over]
            if not self._present:
                return None
            call = call_of(environ)
            for each in self._present:
                if each.meets(call, environ):
                    each.calls = None if each.calls is None else each.calls - 1
                    return each.effect
        return None


def throttle(application: WSGIApplication, environ: WSGIEnvironment) -> WSGIApplication:
    """Refused for being one too many, in the words of the service."""
    del application
    if call_of(environ).service == "s3":
        return error_answer(environ, 503, "SlowDown", "Please reduce your request rate.")
    code = "ThrottlingException" if speaks_json(environ) else "Throttling"
    return error_answer(environ, 400, code, "Rate exceeded")


def conflict(application: WSGIApplication, environ: WSGIEnvironment) -> WSGIApplication:
    """S3: a conditional write met another one to the same key, and may be tried again."""
    del application
    message = "The conditional request cannot succeed due to a conflicting operation against this resource."
    return error_answer(environ, 409, "ConditionalRequestConflict", message)


def server_error(application: WSGIApplication, environ: WSGIEnvironment) -> WSGIApplication:
    """Carried out, and then answered with a 500."""
    _carry_out(application, environ)
    return error_answer(environ, 500, "InternalServerError", "An internal error occurred.")


def lost_reply(application: WSGIApplication, environ: WSGIEnvironment) -> WSGIApplication:
    """Carried out, and then the connection is gone."""
    del environ

    def cut(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        del start_response
        _carry_out(application, environ)
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError("cut on request")

    return cut


def _carry_out(application: WSGIApplication, environ: WSGIEnvironment) -> None:
    Response.from_app(application, environ, buffered=True)


def _conditional(call: Call, environ: WSGIEnvironment) -> bool:
    return call == ("s3", "PutObject") and ("HTTP_IF_MATCH" in environ or "HTTP_IF_NONE_MATCH" in environ)
