"""The one HTTP server of the cloud: AWS at its root, everything of ours below paths no bucket can have."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from localcloud.aws.authorisation import Authorisation
from localcloud.aws.calls import Calls, service_of
from localcloud.aws.checksums import Checksums
from localcloud.aws.disturbances import Disturbances

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class _QuietRequestHandler(MotoRequestHandler):
    """Logs nothing about requests: the log is for what goes wrong."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


class OneAtATime:
    """Serialises every call but S3's: moto's other backends are not made for threads, and ours share their books."""

    def __init__(self, application: WSGIApplication, lock: threading.RLock) -> None:
        self._application = application
        self._lock = lock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if service_of(environ) == "s3":
            return self._application(environ, start_response)
        with self._lock:
            return self._application(environ, start_response)


class Server:
    """Listens on a free loopback port from the start; answers once it serves."""

    def __init__(self, lock: threading.RLock) -> None:
        aws = DomainDispatcherApplication(create_backend_app)
        self.authorisation = Authorisation(OneAtATime(Checksums(aws), lock))
        self.disturbances = Disturbances(self.authorisation)
        self.calls = Calls(self.disturbances)
        self._mounts: dict[str, WSGIApplication] = {}
        self._server = make_server("127.0.0.1", 0, self._dispatch, threaded=True, request_handler=_QuietRequestHandler)
        self.port: int = self._server.port
        self.origin = f"http://127.0.0.1:{self.port}"

    def mount(self, prefix: str, application: WSGIApplication) -> None:
        """Everything below `prefix` goes to `application` instead of AWS."""
        self._mounts[prefix] = application

    def start(self) -> None:
        """Serves in the background."""
        serve: Any = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.1}, name="http", daemon=True).start()

    def close(self) -> None:
        """Stops serving and frees the port."""
        self._server.shutdown()
        self._server.server_close()

    def _dispatch(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        for prefix, application in self._mounts.items():
            if path == prefix or path.startswith(prefix + "/"):
                return application(environ, start_response)
        return self.calls(environ, start_response)
