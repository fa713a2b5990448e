"""A small real application image: FROM scratch, a static busybox, one page that says its version.

`/cgi-bin/slow` says the same a moment later. It stops as rudely as an application can: what it was about to answer is
never answered.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from localcloud.engine_command import docker, search_path

_DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
COPY --chmod=755 www /www
STOPSIGNAL SIGKILL
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"""
_SLOW = """\
#!/bin/busybox sh
/bin/busybox sleep 0.1
echo "Content-Type: text/plain"
echo "Content-Length: $(/bin/busybox wc -c </www/index.html)"
echo
/bin/busybox cat /www/index.html
"""


_ANY_ARGUMENTS = """\
FROM scratch
COPY busybox /bin/busybox
STOPSIGNAL SIGKILL
ENTRYPOINT ["/bin/busybox", "sh", "-c", "while :; do /bin/busybox sleep 3600; done"]
"""


def push_image(registry: str, name: str, page: str, directory: Path) -> str:
    """Builds NAME:TAG in `directory`, pushes it and gives NAME@DIGEST; nothing of it stays in the engine.

    Without a page it serves, but answers 404.
    """
    (directory / "www/cgi-bin").mkdir(parents=True)
    (directory / "www/cgi-bin/slow").write_text(_SLOW)
    if page:
        (directory / "www/index.html").write_text(page)
    return _push(f"{registry}/{name}", _DOCKERFILE, directory)


def push_companion(registry: str, name: str, directory: Path) -> str:
    """An image that runs, whatever its arguments, and does nothing: for a log shipper and its like."""
    directory.mkdir()
    return _push(f"{registry}/{name}", _ANY_ARGUMENTS, directory)


def _push(reference: str, dockerfile: str, directory: Path) -> str:
    busybox = shutil.which("busybox", path=search_path())
    assert busybox, "busybox-static is not installed: run localcloud/install"
    shutil.copy(busybox, directory / "busybox")
    (directory / "Dockerfile").write_text(dockerfile)
    docker("build", "--quiet", "--tag", reference, str(directory))
    docker("push", "--quiet", reference)
    digests: list[str] = json.loads(docker("inspect", "--format", "{{json .RepoDigests}}", reference))
    docker("image", "rm", "--force", reference)
    return next(digest for digest in digests if digest.startswith(reference.rpartition(":")[0] + "@"))
