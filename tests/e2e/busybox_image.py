"""A small real application image: FROM scratch, a static busybox, one page that says its version."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from localcloud.engine_command import docker, search_path

_DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
COPY index.html /www/index.html
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"""


def push_image(registry: str, name: str, page: str, directory: Path) -> str:
    """Builds NAME:TAG in `directory`, pushes it and gives NAME@DIGEST; nothing of it stays in the engine."""
    busybox = shutil.which("busybox", path=search_path())
    assert busybox, "busybox-static is not installed: run localcloud/install"
    directory.mkdir(parents=True)
    shutil.copy(busybox, directory / "busybox")
    (directory / "index.html").write_text(page)
    (directory / "Dockerfile").write_text(_DOCKERFILE)
    reference = f"{registry}/{name}"
    docker("build", "--quiet", "--tag", reference, str(directory))
    docker("push", "--quiet", reference)
    digests: list[str] = json.loads(docker("inspect", "--format", "{{json .RepoDigests}}", reference))
    docker("image", "rm", "--force", reference)
    return next(digest for digest in digests if digest.startswith(reference.rpartition(":")[0] + "@"))
