"""The real load balancer while its targets come and go."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from localcloud.child import start_time
from localcloud.load_balancer import LoadBalancer, Target
from tests.loopback_server import Request, loopback_server
from tests.waiting import eventually

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(60)]


@dataclass
class Application:
    """Answers with its own port; /slow waits for `go`."""

    port: int = 0
    slow_began: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    @property
    def target(self) -> Target:
        return ("127.0.0.1", self.port)


@contextmanager
def application() -> Iterator[Application]:
    one = Application()

    def answer(request: Request) -> None:
        if request.path == "/slow":
            one.slow_began.set()
            one.go.wait(30)
        request.reply(200, str(one.port))

    with loopback_server(answer) as address:
        one.port = address.port
        yield one


@pytest.fixture
def balancer(tmp_path: Path) -> Iterator[LoadBalancer]:
    balancer = LoadBalancer(tmp_path / ("deep" * 30))
    balancer.start()
    yield balancer
    balancer.stop()


def get(url: str) -> str:
    """The page, or the status as text."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return str(error.code)


def test_nobody_to_send_to_is_a_503(balancer: LoadBalancer) -> None:
    assert get(balancer.url) == "503"


def test_requests_are_shared_among_the_targets(balancer: LoadBalancer) -> None:
    with application() as one, application() as two:
        balancer.follow([one.target, two.target])
        answers = Counter(get(balancer.url) for _ in range(10))
    assert answers == {str(one.port): 5, str(two.port): 5}


def test_no_request_is_dropped_while_targets_change(balancer: LoadBalancer) -> None:
    done = threading.Event()

    def ask() -> Counter[str]:
        answers: Counter[str] = Counter()
        while not done.is_set():
            answers[get(balancer.url)] += 1
        return answers

    with application() as one, application() as two, application() as three, ThreadPoolExecutor() as pool:
        balancer.follow([one.target, two.target])
        askers = [pool.submit(ask) for _ in range(4)]
        for _ in range(40):
            balancer.follow([two.target, three.target])
            balancer.follow([three.target, one.target])
            balancer.follow([one.target, two.target])
        done.set()
        answers = sum((asker.result() for asker in askers), Counter[str]())
    assert set(answers) == {str(server.port) for server in (one, two, three)}


def test_a_drained_target_finishes_the_request_it_has(balancer: LoadBalancer) -> None:
    with application() as old, application() as new, ThreadPoolExecutor() as pool:
        balancer.follow([old.target])
        slow = pool.submit(get, f"{balancer.url}/slow")
        assert old.slow_began.wait(10)
        balancer.follow([new.target])
        assert {get(balancer.url) for _ in range(10)} == {str(new.port)}
        balancer.follow([new.target, old.target])
        old.go.set()
        assert slow.result() == str(old.port)


def test_a_target_that_refuses_connections_costs_the_requests_it_is_given(balancer: LoadBalancer) -> None:
    with application() as alive:
        with application() as dead:
            balancer.follow([alive.target, dead.target])
        assert Counter(get(balancer.url) for _ in range(10)) == {str(alive.port): 5, "503": 5}


def test_slots_are_used_again(balancer: LoadBalancer) -> None:
    for port in range(1, 300):
        balancer.follow([("127.0.0.1", port)])
    with application() as server:
        balancer.follow([server.target])
        assert get(balancer.url) == str(server.port)


def test_a_stopped_balancer_leaves_no_process(tmp_path: Path) -> None:
    balancer = LoadBalancer(tmp_path)
    balancer.start()
    pid = int((tmp_path / "load-balancer" / "haproxy.pid").read_text().split()[0])
    balancer.stop()
    balancer.stop()
    eventually("the process is gone", lambda: start_time(pid) is None)
    assert not (tmp_path / "load-balancer" / "haproxy.pid").exists()
