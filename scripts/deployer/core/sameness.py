"""When two releases of one version are the same release."""

from __future__ import annotations

from collections.abc import Mapping

from deployer.core.release import Release


def differences(old: Release, new: Release) -> tuple[str, ...]:
    """What `new` would change of `old`, one short line each; none means: the same release.

    Who published it, from which commit and when does not count: the same content is the same release.
    """
    found = [
        *_changed("image of", old.images, new.images),
        *_changed("file", {each.path: each for each in old.files}, {each.path: each for each in new.files}),
    ]
    for name in ("app", "environment", "compose", "profiles", "health", "activate", "registries"):
        if getattr(old, name) != getattr(new, name):
            found.append(f"{name} differs")
    return tuple(found)


def _changed(kind: str, old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    lines = []
    for name in sorted({*old, *new}):
        if name not in new:
            lines.append(f"{kind} {name} is gone")
        elif name not in old:
            lines.append(f"{kind} {name} is new")
        elif old[name] != new[name]:
            lines.append(f"{kind} {name} differs")
    return lines
