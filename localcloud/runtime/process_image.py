"""Stand-in images: an OCI manifest and a config that says what the container does. There is no file system in them."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import asdict
from typing import Any
from urllib.error import HTTPError, URLError

from localcloud.runtime.process_behaviour import LABEL, Behaviour
from localcloud.runtime.process_registry import digest_of

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
TIMEOUT = 40  # seconds a registry may take

_LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class PullRefused(Exception):
    """The registry does not have the image, does not take it, or sent something else than was asked for."""


def push(registry: str, name: str, version: str, unhealthy: bool = False, exit_code: int | None = None) -> str:
    """Pushes a stand-in image, tagged with its version, to `registry` (HOST:PORT); returns `NAME@sha256:…`.

    Raises PullRefused if the registry does not answer or says no.
    """
    behaviour = Behaviour(version, 503 if unhealthy else 200, exit_code)
    labels = {LABEL: json.dumps(asdict(behaviour))}
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": labels}}).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": digest_of(config), "size": len(config)},
            "layers": [],
        }
    ).encode()
    try:
        _upload(registry, name, config)
        _request("PUT", f"http://{registry}/v2/{name}/manifests/{version}", manifest, MANIFEST_TYPE).close()
    except URLError as error:
        raise PullRefused(f"the registry {registry} did not take {name}: {error}") from error
    return f"{registry}/{name}@{digest_of(manifest)}"


def pull(reference: str, mirror: str) -> tuple[str, Behaviour]:
    """Digest and behaviour of `NAME@sha256:…` or `NAME:TAG`; names without a registry come from `mirror`.

    Everything is checked against its digest. Raises PullRefused in docker's own words.
    """
    registry, name, wanted = _split(reference, mirror)
    manifest = _fetch(reference, f"http://{registry}/v2/{name}/manifests/{wanted}")
    digest = digest_of(manifest)
    if wanted.startswith("sha256:") and wanted != digest:
        raise PullRefused(f"manifest verification failed for digest {wanted}")
    return digest, _behaviour(reference, f"http://{registry}/v2/{name}/blobs/", json.loads(manifest))


def _behaviour(reference: str, blobs: str, manifest: Any) -> Behaviour:
    wanted = manifest["config"]["digest"]
    config = _fetch(reference, blobs + wanted)
    if digest_of(config) != wanted:
        raise PullRefused(f"filesystem layer verification failed for digest {wanted}")
    labels = json.loads(config)["config"].get("Labels") or {}
    if LABEL not in labels:
        raise PullRefused(f"{reference} is no stand-in image; the process runtime runs nothing else")
    return Behaviour(**json.loads(labels[LABEL]))


def _split(reference: str, mirror: str) -> tuple[str, str, str]:
    """Registry, name, and digest or tag."""
    rest, _, wanted = reference.partition("@")
    host, slash, name = rest.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, name = mirror, rest
    bare, colon, tag = name.partition(":")
    return host, bare, wanted or (tag if colon else "latest")


def _fetch(reference: str, url: str) -> bytes:
    try:
        with _request("GET", url, None, MANIFEST_TYPE) as answer:
            content: bytes = answer.read()
            return content
    except HTTPError as error:
        raise PullRefused(f"manifest for {reference} not found: {error.code} from the registry") from error
    except (URLError, ValueError) as error:
        raise PullRefused(f"failed to resolve reference {reference}: {error}") from error


def _upload(registry: str, name: str, blob: bytes) -> None:
    with _request("POST", f"http://{registry}/v2/{name}/blobs/uploads/", b"", "") as started:
        place = started.headers["Location"]
    where = place if place.startswith("http") else f"http://{registry}{place}"
    glue = "&" if "?" in where else "?"
    _request("PUT", f"{where}{glue}digest={digest_of(blob)}", blob, "application/octet-stream").close()


def _request(method: str, url: str, body: bytes | None, media_type: str) -> Any:
    headers = {"Accept": media_type} if body is None else {"Content-Type": media_type}
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
    return _LOOPBACK.open(request, timeout=TIMEOUT)
