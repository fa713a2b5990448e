"""One image to build, and the command line of buildx that builds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CACHE_TAG = "buildcache"


@dataclass(frozen=True)
class Build:
    """What to build. `image` is a name without a tag; `cache_folder` is where `cache: local` keeps its layers.

    With a `service` its compose file says what is in the image: context, Dockerfile and target are not looked at.
    """

    image: str
    tags: tuple[str, ...]
    service: str = ""
    context: str = "."
    dockerfile: str = ""
    target: str = ""
    platforms: tuple[str, ...] = ()
    build_args: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    cache: str = "none"
    cache_ref: str = ""
    cache_folder: str = ""
    provenance: str = ""
    sbom: bool = False
    push: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The image's name with each of its tags."""
        return tuple(f"{self.image}:{tag}" for tag in self.tags)

    @property
    def demands(self) -> list[str]:
        """What takes more than docker's own builder, as inputs."""
        return [
            *(["several platforms"] if len(self.platforms) > 1 else []),
            *([f"cache: {self.cache}"] if self.cache != "none" else []),
            *([f"provenance: {self.provenance}"] if self.provenance in ("min", "max") else []),
            *(["sbom"] if self.sbom else []),
        ]

    @property
    def cache_from(self) -> tuple[str, ...]:
        """Where layers of an earlier build may be."""
        if self.cache == "registry":
            return (f"type=registry,ref={self._cache_image}",)
        if self.cache == "gha":
            return (f"type=gha{self._scope}",)
        filled = self.cache == "local" and Path(self.cache_folder, "index.json").is_file()
        return (f"type=local,src={self.cache_folder}",) if filled else ()

    @property
    def cache_to(self) -> tuple[str, ...]:
        """Everything that was built is kept (`mode=max`); a cache that cannot be written does not fail the build."""
        if self.cache == "registry":
            # ECR takes a cache only as an image of its own, in OCI's media types
            form = "mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"
            return (f"type=registry,ref={self._cache_image},{form}",)
        if self.cache == "gha":
            return (f"type=gha{self._scope},mode=max,ignore-error=true",)
        return (f"type=local,dest={self.cache_folder},mode=max",) if self.cache == "local" else ()

    def attestations(self, can_attest: bool) -> tuple[str, str]:
        """What `--provenance` and `--sbom` say; without a choice the first is `min` where the builder can."""
        provenance = self.provenance or ("min" if can_attest else "false")
        return "false" if provenance == "false" else f"mode={provenance}", "true" if self.sbom else "false"

    @property
    def _cache_image(self) -> str:
        return self.cache_ref or f"{self.image}:{CACHE_TAG}"

    @property
    def _scope(self) -> str:
        """Several images would write over each other's cache."""
        return f",scope={self.service}" if self.service else ""


def arguments(build: Build, metadata_file: str, can_attest: bool) -> list[str]:
    """The words after `docker buildx`."""
    provenance, sbom = build.attestations(can_attest)
    words = ["build", "--progress=plain", f"--metadata-file={metadata_file}"]
    words += [f"--tag={each}" for each in build.names]
    words += [f"--label={name}={value}" for name, value in build.labels.items()]
    words += [f"--build-arg={each}" for each in build.build_args]
    words += [f"--secret={each}" for each in build.secrets]
    words += [f"--ssh={each}" for each in build.ssh]
    words += [f"--cache-from={each}" for each in build.cache_from]
    words += [f"--cache-to={each}" for each in build.cache_to]
    words.append(f"--provenance={provenance}")
    if build.dockerfile:
        words.append(f"--file={build.dockerfile}")
    if build.target:
        words.append(f"--target={build.target}")
    if build.platforms:
        words.append(f"--platform={','.join(build.platforms)}")
    if sbom == "true":
        words.append("--sbom=true")
    if build.push:
        words.append("--push")
    return [*words, "--", build.context]
