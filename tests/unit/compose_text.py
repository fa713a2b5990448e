"""Compose files given as text, read as the product reads them."""

from __future__ import annotations

from collections.abc import Mapping

from deployer.image import compose


def read(files: Mapping[str, bytes]) -> compose.Compose:
    """The application of all the files."""
    return compose.read(list(files), files.__getitem__)


def one(text: str, name: str = "web") -> compose.Service:
    return read({"a.yml": text.encode()}).services[name]
