"""Small real images, pushed straight into a registry: a static busybox, and as much else as a test needs."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from localcloud.engine_command import search_path

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(frozen=True)
class Shelf:
    """Where images go: a registry, and who pushes there (`USER:PASSWORD`) if it asks."""

    registry: str
    login: str = ""

    def push(self, name: str, command: Sequence[str], files: Mapping[str, bytes]) -> str:
        """An image of busybox and `files` that runs `command`; gives NAME@DIGEST."""
        layers = [_busybox(), _tar(files)]
        packed = [gzip.compress(each, compresslevel=1, mtime=0) for each in layers]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": list(command)},
            "rootfs": {"type": "layers", "diff_ids": [_digest(each) for each in layers]},
        }
        body = json.dumps(config).encode()
        for blob in (*packed, body):
            self._upload(name, blob)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "size": len(body), "digest": _digest(body)},
            "layers": [{"mediaType": LAYER, "size": len(each), "digest": _digest(each)} for each in packed],
        }
        text = json.dumps(manifest).encode()
        self._ask("PUT", f"http://{self.registry}/v2/{name}/manifests/{_digest(text)}", text, MANIFEST)
        return f"{self.registry}/{name}@{_digest(text)}"

    def _upload(self, name: str, blob: bytes) -> None:
        place = f"http://{self.registry}/v2/{name}/blobs"
        try:
            self._ask("HEAD", f"{place}/{_digest(blob)}", None, "")
        except urllib.error.HTTPError:
            where = self._ask("POST", f"{place}/uploads/", b"", "application/octet-stream")
            self._ask("PUT", f"{where}&digest={_digest(blob)}", blob, "application/octet-stream")

    def _ask(self, method: str, url: str, body: bytes | None, kind: str) -> str:
        """Where the answer points to."""
        headers = {"Content-Type": kind} if kind else {}
        if self.login:
            headers["Authorization"] = "Basic " + base64.b64encode(self.login.encode()).decode()
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return str(answer.headers.get("Location", ""))


@cache
def _busybox() -> bytes:
    busybox = shutil.which("busybox", path=search_path())
    assert busybox, "busybox-static is not installed: run localcloud/install"
    return _tar({"bin/busybox": Path(busybox).read_bytes()})


def _tar(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(body), 0o755
            tar.addfile(entry, io.BytesIO(body))
    return content.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
