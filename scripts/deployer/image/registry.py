"""A registry's HTTP API (OCI distribution), as far as it takes to read what a tag stands for. Nothing is written.

No docker engine is needed, and an image need not be pulled to learn its digest.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from deployer.core.errors import BadInput, Refused
from deployer.image.reference import DOCKER_HUB, Reference

if TYPE_CHECKING:  # requests costs 0.1 s: it is imported where a registry is asked
    from requests import Response, Session

Credentials = Callable[[str], "tuple[str, str] | None"]
"""From a registry's host to user and password, None to ask as nobody."""

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
TIMEOUT = 20
"""Seconds for one answer."""

ATTEMPTS = 3
DIGEST_PATTERN = r"sha256:[0-9a-f]{64}"


def is_loopback(registry: str) -> bool:
    """Whether the registry is on this machine: docker then speaks plain HTTP to it."""
    return re.fullmatch(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?", registry) is not None


class Registries:
    """Every registry there is; tokens are kept for each repository."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._authorization: dict[tuple[str, str], bytes] = {}

    def digest(self, image: Reference) -> str:
        """`sha256:…` of what the tag stands for now: the index of an image for several platforms, else its manifest.

        Raises BadInput if there is no such image, Refused if the registry does not answer or wants other credentials.
        """
        answer = self._get(image, f"manifests/{image.tag}", method="HEAD")
        if answer is None:
            _no_such_image(image)
        return _digest_of(answer) or self._digest_of_body(image)

    def labels(self, image: Reference) -> tuple[str, dict[str, str]] | None:
        """The digest of a tag and the labels of its image (an index: of its first platform); None if there is none."""
        answer = self._get(image, f"manifests/{image.tag}")
        if answer is None:
            return None
        digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        manifest = _json(image, answer)
        listed = manifest.get("manifests")
        if platforms := [each for each in listed if not _is_attestation(each)] if isinstance(listed, list) else []:
            manifest = self._json_of(image, f"manifests/{_digest_in(image, platforms[0])}")
        if "config" not in manifest:
            return digest, {}
        config = self._json_of(image, f"blobs/{_digest_in(image, manifest['config'])}")
        return digest, _labels_in(config)

    def _digest_of_body(self, image: Reference) -> str:
        answer = self._get(image, f"manifests/{image.tag}")
        if answer is None:
            _no_such_image(image)
        return f"sha256:{hashlib.sha256(answer.content).hexdigest()}"

    def _json_of(self, image: Reference, path: str) -> dict[str, Any]:
        answer = self._get(image, path)
        if answer is None:
            raise Refused(f"{_url(image, path)} is missing in the registry", "push the image again")
        return _json(image, answer)

    def _get(self, image: Reference, path: str, method: str = "GET") -> Response | None:
        """The answer to a request; None for 404. A first 401 says how to get a token, and the request is repeated."""
        place = (image.registry, image.repository)
        with _session() as http:
            answer = self._ask(http, image, path, method)
            if answer.status_code == 401:
                self._authorization[place] = self._authorize(http, image, answer.headers.get("WWW-Authenticate", ""))
                answer = self._ask(http, image, path, method)
        if answer.status_code == 404:
            return None
        if answer.status_code in (401, 403):
            _denied(image, self._credentials(image.registry) is not None)
        if answer.status_code != 200:
            raise Refused(f"{_url(image, path)} answered {answer.status_code} {answer.reason}", "run again later")
        return answer

    def _ask(self, http: Session, image: Reference, path: str, method: str) -> Response:
        headers: dict[str, str | bytes] = {"Accept": ACCEPT if path.startswith("manifests/") else "*/*"}
        if known := self._authorization.get((image.registry, image.repository)):
            headers["Authorization"] = known
        return _request(http, method, _url(image, path), headers=headers)

    def _authorize(self, http: Session, image: Reference, challenge: str) -> bytes:
        """The Authorization header a challenge asks for; empty if nothing can be offered."""
        who = self._credentials(image.registry)
        kind, _, rest = challenge.partition(" ")
        if kind.lower() == "basic":
            return _basic(who) if who else b""
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        realm = wanted.pop("realm", "")
        if kind.lower() != "bearer" or not _is_trusted(realm, image.registry):
            raise Refused(
                f"{image.registry} asks for a login of an unknown kind: {challenge!r}",
                "check the registry's name, and whether a proxy in between answers for it",
            )
        query = {"service": wanted.get("service", ""), "scope": f"repository:{image.repository}:pull"}
        answer = _request(http, "GET", realm, params=query, headers={"Authorization": _basic(who)} if who else {})
        if answer.status_code != 200:
            _denied(image, who is not None)
        token = _json(image, answer)
        return f"Bearer {token.get('token') or token.get('access_token') or ''}".encode()


def _basic(who: tuple[str, str]) -> bytes:
    """The header for user and password, in UTF-8 (RFC 7617); requests knows only what latin-1 can write."""
    return b"Basic " + base64.b64encode(":".join(who).encode())


def _session() -> Session:
    """Repeats what fails on the way, and the answers that ask for patience."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    patience = Retry(
        total=ATTEMPTS, backoff_factor=0.3, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False
    )
    session = requests.Session()
    session.auth = lambda request: request  # else a ~/.netrc would win over the Authorization header
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=patience))
    return session


def _request(http: Session, method: str, url: str, **more: Any) -> Response:
    from requests import RequestException

    try:
        return http.request(method, url, timeout=TIMEOUT, **more)
    except RequestException as error:
        raise Refused(
            f"{method} {url} got no answer ({type(error).__name__})",
            "check the image's name, and the network and proxy",
        ) from error


def _url(image: Reference, path: str) -> str:
    host = "registry-1.docker.io" if image.registry == DOCKER_HUB else image.registry
    return f"{'http' if is_loopback(host) else 'https'}://{host}/v2/{image.repository}/{path}"


def _is_trusted(realm: str, registry: str) -> bool:
    """A password goes over TLS, or stays on this machine."""
    try:
        parts = urlsplit(realm)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(registry) and is_loopback(parts.netloc))


def _digest_of(answer: Response) -> str:
    digest = answer.headers.get("Docker-Content-Digest", "")
    return digest if re.fullmatch(DIGEST_PATTERN, digest) else ""


def _json(image: Reference, answer: Response) -> dict[str, Any]:
    try:
        value = answer.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused(f"{image.registry} answered something that is no JSON object", "check the registry's name")
    return value


def _is_attestation(entry: Any) -> bool:
    """buildx files provenance and SBOM in the index as manifests of the platform unknown/unknown."""
    platform = entry.get("platform") if isinstance(entry, dict) else None
    return isinstance(platform, dict) and platform.get("architecture") == "unknown"


def _digest_in(image: Reference, descriptor: Any) -> str:
    """The digest a manifest names something by."""
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    if not isinstance(digest, str) or not re.fullmatch(DIGEST_PATTERN, digest):
        raise Refused(
            f"{image.registry} has a manifest of {image.repository}:{image.tag} that is not one of OCI's or docker's",
            "push the image again",
        )
    return digest


def _labels_in(config: dict[str, Any]) -> dict[str, str]:
    inner = config.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {}


def _no_such_image(image: Reference) -> NoReturn:
    raise BadInput(
        f"there is no image {image.name}:{image.tag}",
        "check its name and tag (a private repository looks missing to who is not logged in: docker login)",
    )


def _denied(image: Reference, with_credentials: bool) -> NoReturn:
    who = "the credentials for it were refused" if with_credentials else "there are no credentials for it"
    raise Refused(
        f"{image.registry} does not let us read {image.repository}: {who}",
        f"log in before this step: docker login {image.registry} --username NAME --password-stdin",
    )
