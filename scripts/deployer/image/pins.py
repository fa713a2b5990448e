"""Which image each service of a release runs: given, already pinned, pinned now, or left as written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from deployer.core.errors import BadInput
from deployer.core.release import PINNED_PATTERN
from deployer.image import reference
from deployer.image.compose import Compose, Service

Resolve = Callable[[str], str]
"""From an image as written to the digest its tag has now."""


@dataclass(frozen=True)
class Choice:
    """Services and their images: `pinned` for good, `to_resolve` by asking a registry, `floating` as written."""

    pinned: Mapping[str, str] = field(default_factory=dict)
    to_resolve: Mapping[str, str] = field(default_factory=dict)
    floating: Mapping[str, str] = field(default_factory=dict)

    def resolved(self, known: Mapping[str, str], resolve: Resolve) -> dict[str, str]:
        """All pins: `known` is what the very same release resolved before, and then no registry is asked."""
        pins = dict(self.pinned)
        for service, image in self.to_resolve.items():
            pins[service] = known.get(service) or reference.pin(reference.parse(image).name, resolve(image))
        return pins


def parse_given(entries: Sequence[str]) -> dict[str, str]:
    """The `images` input, `service=name@sha256:…` each; raises BadInput."""
    given: dict[str, str] = {}
    for entry in entries:
        service, _, image = entry.partition("=")
        if not service or not re.fullmatch(PINNED_PATTERN, image):
            raise BadInput(
                f"`images` has {entry!r}",
                "write service=name@sha256:…; build-push gives its image as `name@sha256:…` in its output `image`",
            )
        if given.get(service, image) != image:
            raise BadInput(f"`images` names {service!r} twice", "one image for each service")
        given[service] = reference.parse(image).pinned
    return given


def choose(compose: Compose, given: Mapping[str, str], pin_images: bool, profiles: Sequence[str] = ()) -> Choice:
    """An image for every service that runs with these profiles; raises BadInput that names every one without."""
    running = compose.running(profiles)
    _check_given(compose, running, given)
    pinned, to_resolve, floating = dict(given), {}, {}
    problems = []
    for name, service in running.items():
        if name in given:
            continue
        if problem := _problem(name, service, pin_images):
            problems.append(problem)
        elif "@" in service.image and "$" not in service.image:
            pinned[name] = reference.parse(service.image).pinned
        elif pin_images:
            to_resolve[name] = service.image
        else:
            floating[name] = service.image
    if problems:
        raise BadInput("; ".join(problems), "give them in `images`, one a line: service=name@sha256:…")
    return Choice(pinned, to_resolve, floating)


def _check_given(compose: Compose, running: Mapping[str, Service], given: Mapping[str, str]) -> None:
    if unknown := sorted(set(given) - set(compose.services)):
        raise BadInput(
            f"an image is given for {', '.join(unknown)}, which is no service of the compose files",
            f"the services are {', '.join(compose.services)}",
        )
    if idle := sorted(set(given) - set(running)):
        raise BadInput(
            f"an image is given for {', '.join(idle)}, which does not run: none of its profiles is chosen",
            "name one of its profiles in `profiles`, or leave the image out",
        )


def _problem(name: str, service: Service, pin_images: bool) -> str:
    """Why a service whose image was not given has none, or ""."""
    if service.builds:
        return f"service {name} has a `build`, and instances run only what was built before"
    if not service.image:
        return f"service {name} has neither an `image` nor a `build`"
    if "$" not in service.image:
        return _not_a_name(service.image)
    if pin_images:
        return f"service {name} runs {service.image}, and what its variable stands for only an instance knows"
    return ""


def _not_a_name(image: str) -> str:
    try:
        reference.parse(image)
    except BadInput as error:
        return error.what
    return ""


def override(compose: Compose, pins: Mapping[str, str]) -> bytes:
    """The compose file that puts the pins in place; empty when every service is written as it is pinned.

    It says nothing but images, so that all else stays the user's own; compose 1 wants the same `version` in all files.
    """
    changed = {name: pin for name, pin in pins.items() if compose.services[name].image != pin}
    if not changed:
        return b""
    lines = ["# Images of this release by digest, generated when it was published."]
    if compose.version:
        lines.append(f"version: {json.dumps(compose.version)}")
    lines.append("services:")
    for name, image in changed.items():
        lines += [f"  {json.dumps(name)}:", f"    image: {json.dumps(image)}"]
    return ("\n".join(lines) + "\n").encode()
