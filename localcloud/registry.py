"""A real image registry on loopback (Debian's docker-registry), its images in the state directory."""

from __future__ import annotations

import re
from pathlib import Path

from localcloud.child import Child

_CONFIGURATION = """\
version: 0.1
log:
  level: info
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {storage}
  delete:
    enabled: true
http:
  addr: 127.0.0.1:{port}
"""
_PRIVATE = """\
auth:
  htpasswd:
    realm: private
    path: {users}
"""


class Registry:
    """One registry; `port` and `address` are known once it is started (port 0: the kernel picks a free one).

    With `users` (lines of an htpasswd file, bcrypt) it is private.
    """

    def __init__(self, state_directory: Path, port: int = 0, users: str = "") -> None:
        self.port = port
        self._users = users
        self._directory = state_directory.resolve() / "registry"
        self._child = Child(self._directory, "docker-registry")

    @property
    def address(self) -> str:
        """HOST:PORT as in image names. docker speaks plain HTTP to `localhost`, so nothing needs configuring."""
        return f"localhost:{self.port}"

    def start(self) -> None:
        """Returns once the registry listens; raises EngineError if it does not."""
        self._directory.mkdir(parents=True, exist_ok=True)
        configuration = self._directory / "config.yml"
        text = _CONFIGURATION.format(storage=self._directory / "images", port=self.port)
        if self._users:
            (self._directory / "users").write_text(self._users)
            text += _PRIVATE.format(users=self._directory / "users")
        configuration.write_text(text)
        self._child.start(["docker-registry", "serve", str(configuration)], self._listens)

    def _listens(self) -> bool:
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", self._child.log.read_text(errors="replace"))
        if found:
            self.port = int(found[1])
        return found is not None

    def stop(self) -> None:
        """Stops it; the images stay in the state directory. A second call does nothing."""
        self._child.stop()
