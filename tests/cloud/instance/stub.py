"""A small HTTP server that stands for one service: it notes what it is asked and gives one answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.loopback_server import Request, loopback_server


@dataclass
class Stub:
    """`asked` grows by `METHOD PATH BODY` with each request."""

    status: int
    answers: dict[str, str]
    """By the end of the path; "" answers everything else."""
    url: str = ""
    port: int = 0
    asked: list[str] = field(default_factory=list)


@contextmanager
def answering(stub: Stub) -> Iterator[Stub]:
    def answer(request: Request) -> None:
        stub.asked.append(f"{request.command} {request.path} {request.body()}")
        text = next(text for end, text in stub.answers.items() if request.path.endswith(end))
        request.reply(stub.status, text)

    with loopback_server(answer) as address:
        stub.url, stub.port = address.url, address.port
        yield stub
