"""An error on the wire, as the protocol of the service has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from localcloud.aws.calls import service_of, speaks_json

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


def error_answer(environ: WSGIEnvironment, status: int, code: str, message: str) -> WSGIApplication:
    """An application that answers every request with this error."""
    if speaks_json(environ):
        return _json(environ, status, code, message)
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    service = service_of(environ)
    if service == "ec2":
        error = f"<Response><Errors>{error}</Errors></Response>"
    elif service != "s3":
        error = f"<ErrorResponse>{error}</ErrorResponse>"
    # S3 has no body to put a reason into when it answers HEAD.
    return Response("" if environ["REQUEST_METHOD"] == "HEAD" else error, status, content_type="application/xml")


def _json(environ: WSGIEnvironment, status: int, code: str, message: str) -> WSGIApplication:
    answer = Response(
        json.dumps({"__type": code, "message": message}), status, content_type="application/x-amz-json-1.1"
    )
    if "HTTP_X_AMZN_QUERY_MODE" in environ:  # CloudWatch: JSON, with the codes it had when it spoke XML
        answer.headers["x-amzn-query-error"] = f"{code.removesuffix('Exception')};Sender"
    return answer
