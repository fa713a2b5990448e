"""Verifies the SHA-256 a client sends with an S3 upload, which moto takes on trust."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

HEADER = "HTTP_X_AMZ_CHECKSUM_SHA256"
_REFUSAL = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>BadDigest</Code>'
    "<Message>The SHA256 you specified did not match the calculated checksum.</Message></Error>"
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Checksums:
    """Answers BadDigest to an upload whose body is not what its checksum says."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "PUT" and HEADER in environ and not _matches(environ):
            return Response(_REFUSAL, status=400, content_type="application/xml")(environ, start_response)
        return self._application(environ, start_response)


def _matches(environ: WSGIEnvironment) -> bool:
    if "aws-chunked" in environ.get("HTTP_CONTENT_ENCODING", ""):
        return True  # the checksum of a chunked upload is of what moto decodes later
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return bool(digest == environ[HEADER])
