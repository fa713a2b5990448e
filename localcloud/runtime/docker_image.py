"""What an instance is made of: an empty image, and this machine's own programs mounted read-only into it.

No base image can be relied on (there may be no registry within reach), and none is needed: /usr of this machine has
bash, docker, curl and the rest. The AWS CLI comes from the Python environment this code runs in.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
from pathlib import Path

from localcloud.engine_command import EngineError

SHARED = ("/usr", "/etc/ssl", "/etc/pki", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf.d")
"""Mounted where this machine has them; /etc/pki is where other families of Linux keep certificates."""

INSTANCE_PROGRAMS = Path(__file__).parent / "docker_instance"

_DIRECTORIES = (
    *(
        "dev",
        "etc/docker",
        "etc/systemd/system",
        "home",
        "mnt",
        "opt",
        "proc",
        "root",
        "run",
        "srv",
        "sys",
        "tmp",
        "usr",
    ),
    *("var/cache", "var/lib/docker", "var/log", "var/tmp"),
)
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\ndocker:x:998:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def empty_image() -> bytes:
    """A tar for `docker import`: directories, the links of a merged /usr, and three files of /etc."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in _DIRECTORIES:
            tar.addfile(_entry(name, tarfile.DIRTYPE, 0o1777 if name.endswith("tmp") else 0o755))
        for name, target in _links().items():
            link = _entry(name, tarfile.SYMTYPE, 0o777)
            link.linkname = target
            tar.addfile(link)
        for name, text in _FILES.items():
            file = _entry(name, tarfile.REGTYPE, 0o644)
            file.size = len(text)
            tar.addfile(file, io.BytesIO(text.encode()))
    return content.getvalue()


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.mode = mode
    return entry


def _links() -> dict[str, str]:
    links = {"var/run": "/run", "var/lock": "/run/lock", "etc/os-release": "../usr/lib/os-release"}
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if os.path.islink(f"/{name}"):
            links[name] = os.readlink(f"/{name}")
    return links


def mounts(programs: Path) -> list[str]:
    """The `--volume` arguments every instance has; `programs` becomes its /usr/local/sbin (see `lay_out_programs`)."""
    read_only = [place for place in SHARED if os.path.exists(place)]
    read_only += _python_environment()
    arguments = [f"--volume={place}:{place}:ro" for place in dict.fromkeys(read_only)]
    arguments.append(f"--volume={INSTANCE_PROGRAMS}:/opt/localcloud:ro")
    arguments.append(f"--volume={programs}:/usr/local/sbin:ro")
    return arguments


def _python_environment() -> list[str]:
    """The environment and its base interpreter, under each name a symbolic link gives them."""
    places = [sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable, strict=True))]
    if not places[2].startswith("/usr/"):
        places[2] = os.path.dirname(places[2])
    return [place for place in places if place != "/usr" and not place.startswith("/usr/")]


def lay_out_programs(directory: Path) -> None:
    """Fills the instances' /usr/local/sbin, first on their PATH and empty on most machines: the AWS CLI.

    Raises EngineError if this Python environment has no AWS CLI.
    """
    aws = Path(sys.prefix) / "bin" / "aws"
    found = str(aws) if aws.exists() else shutil.which("aws")
    if found is None:
        raise EngineError("the Python environment has no AWS CLI (aws)\n  run scripts/environment")
    directory.mkdir(parents=True, exist_ok=True)
    link = directory / "aws"
    link.unlink(missing_ok=True)
    link.symlink_to(found)
