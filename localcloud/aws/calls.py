"""Which operation a request asks for, and how many there were of each: instances' calls count as any client's."""

from __future__ import annotations

import io
import re
import threading
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_RPC_PATH = re.compile(r"/service/[^/]+/operation/(\w+)")
_S3_OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_S3_BUCKET = {"GET": "ListObjectsV2", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}


class Call(NamedTuple):
    """One operation of one service, as IAM names them: `ssm`, `SendCommand`."""

    service: str
    operation: str

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


class Calls:
    """A WSGI application that counts what goes to the one behind it, answered or not."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._counted: Counter[Call] = Counter()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call = call_of(environ)
        with self._lock:
            self._counted[call] += 1
        return self._application(environ, start_response)

    def counted(self) -> Counter[Call]:
        """So many of each since the cloud began."""
        with self._lock:
            return self._counted.copy()


def call_of(environ: WSGIEnvironment) -> Call:
    """What a request asks for; a body that has to be looked at can be read again afterwards."""
    service = service_of(environ)
    if service == "s3":
        return Call(service, _s3_operation(environ))
    if named := environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]:
        return Call(service, named)
    if found := _RPC_PATH.search(environ.get("PATH_INFO", "")):
        return Call(service, found[1])
    form = parse_qs(body_of(environ).decode("utf-8", "replace"))
    return Call(service, form.get("Action", ["?"])[0])


def service_of(environ: WSGIEnvironment) -> str:
    """The service a request is signed for; unsigned ones are S3's, but for calls with a form (STS)."""
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split(",")[0].split("/")
    if len(scope) == 5:
        return {"monitoring": "cloudwatch"}.get(scope[3], str(scope[3]))
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    return "sts" if form else "s3"


def speaks_json(environ: WSGIEnvironment) -> bool:
    """Whether the caller expects errors in JSON, and not in XML."""
    return "HTTP_X_AMZ_TARGET" in environ


def body_of(environ: WSGIEnvironment) -> bytes:
    """The request's body, which stays there for whoever comes next."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _s3_operation(environ: WSGIEnvironment) -> str:
    of_object = len(environ.get("PATH_INFO", "").strip("/").split("/", 1)) == 2
    method = str(environ["REQUEST_METHOD"])
    names = _S3_OBJECT if of_object else _S3_BUCKET
    return names.get(method, method)
