"""GitHub over HTTP, below `/_github`: the OIDC issuer, the runner's token endpoint, and the REST API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from localcloud.github.deployments import Deployments, Refusal
from localcloud.github.issuer import Issuer
from localcloud.github.releases import Releases
from localcloud.github.repositories import Repositories

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PREFIX = "/_github"
_IN_REFUSALS = {"documentation_url": "https://docs.github.com/rest"}
_OF_REPOSITORY = re.compile(r"/api/repos/([^/]+/[^/]+)/(commits|environments)/([^/]+)")
_RELEASES = re.compile(r"/api/repos/([^/]+/[^/]+)/(git/refs|git/ref/tags|git/tags|releases/tags|releases)(?:/(.+))?")
_DEPLOYMENTS = re.compile(r"/api/repos/([^/]+/[^/]+)/deployments(?:/(\d+)(/statuses)?)?")


class GitHub:
    """A WSGI application; `token_url`, `api_url` and `issuer.request_token` are what a job's environment holds."""

    def __init__(self, origin: str) -> None:
        base = origin + PREFIX
        self.issuer = Issuer(base_url=f"{base}/oidc")
        self.api_url = f"{base}/api"
        self.token_url = f"{base}/token?api-version=2.0"
        self.deployments = Deployments(self.api_url)
        self.repositories = Repositories(self.api_url)
        self.releases = Releases(self.api_url)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        try:
            status, answer = self._answer(request, request.path.removeprefix(PREFIX))
        except Refusal as refusal:
            status, answer = refusal.status, {"message": refusal.message, **_IN_REFUSALS, "status": str(refusal.status)}
        response = Response(json.dumps(answer), status=status, content_type="application/json; charset=utf-8")
        return response(environ, start_response)

    def _answer(self, request: Request, path: str) -> tuple[int, Any]:
        if path == "/oidc/.well-known/openid-configuration":
            return 200, self.issuer.configuration()
        if path == "/oidc/.well-known/jwks":
            return 200, self.issuer.keys()
        if path == "/token":
            return self._token(request)
        if found := _OF_REPOSITORY.fullmatch(path):
            repository, kind, name = found.groups()
            ask = self.repositories.commit if kind == "commits" else self.repositories.environment
            return 200, ask(repository, unquote(name))
        if found := _RELEASES.fullmatch(path):
            self.repositories.check_allowed("contents")
            return self._release_call(request, *found.groups())
        found = _DEPLOYMENTS.fullmatch(path)
        if found is None:
            raise Refusal(404, "Not Found")
        return self._deployment_call(request, *found.groups())

    def _token(self, request: Request) -> tuple[int, Any]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token != self.issuer.request_token:
            raise Refusal(401, "Unauthorized")
        return 200, {"value": self.issuer.token(request.args.get("audience", ""))}

    def _release_call(self, request: Request, repository: str, kind: str, name: str | None) -> tuple[int, Any]:
        posts = {
            ("git/refs", None): (201, self.releases.create_ref),
            ("git/tags", None): (201, self.releases.create_tag),
            ("releases", None): (201, self.releases.create),
            ("releases", "generate-notes"): (200, self.releases.notes),
        }
        gets = {
            "git/ref/tags": self.releases.ref,
            "git/tags": self.releases.tag,
            "releases/tags": self.releases.by_tag,
        }
        if request.method == "POST" and (kind, name) in posts:
            status, make = posts[kind, name]
            return status, make(repository, json.loads(request.get_data() or b"{}"))
        if request.method == "GET" and name and kind in gets:
            return 200, gets[kind](repository, unquote(name))
        raise Refusal(404, "Not Found")

    def _deployment_call(
        self, request: Request, repository: str, number: str | None, statuses: str | None
    ) -> tuple[int, Any]:
        self.repositories.check_allowed("deployments")
        posted = json.loads(request.get_data() or b"{}") if request.method == "POST" else None
        if number is None:
            if posted is not None:
                return 201, self.deployments.create(repository, posted)
            return 200, self.deployments.listed(repository, request.args)
        if statuses is None:
            return 200, self.deployments.get(repository, int(number))
        if posted is not None:
            return 201, self.deployments.add_status(repository, int(number), posted)
        return 200, self.deployments.statuses(repository, int(number))
