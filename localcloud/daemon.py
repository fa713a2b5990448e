"""The cloud's process: started in a session of its own, ready when it says so, gone after SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from localcloud.child import start_time
from localcloud.environment_file import without_proxy
from localcloud.options import CloudOptions
from localcloud.runtime.select import remove_leftovers
from localcloud.state_directory import Running, StateDirectory

START_PATIENCE = 600
STOP_PATIENCE = 120
"""Seconds for a cloud to take down what it made before it is killed."""
PAUSE = 0.05

_log = logging.getLogger(__name__)


class DaemonError(Exception):
    """The cloud did not start, or does not stop; the text says why and what to do."""


def start(state: StateDirectory, arguments: list[str]) -> Running:
    """Starts a cloud with the arguments of `up` and returns once it is ready; raises DaemonError with the cause."""
    if state.pid() is not None:
        raise DaemonError(
            f"a cloud is running already (state in {state.path})\n"
            "  `down` stops it; --state-dir keeps another one beside it"
        )
    clean(state)
    state.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    process = None
    deadline = time.monotonic() + START_PATIENCE
    try:
        with _uninterrupted():
            process = _spawn(state, arguments)
        while (running := state.running()) is None:
            if process.poll() is not None:
                raise DaemonError(_cause(state.log))
            if time.monotonic() > deadline:
                raise DaemonError(f"the cloud was not ready in {START_PATIENCE} s\n  see {state.log}")
            time.sleep(PAUSE)
    except BaseException:  # also Ctrl-C: a cloud that nobody was told about must not stay
        if process is not None:
            process.terminate()
            process.wait(STOP_PATIENCE)
        clean(state)
        raise
    return running


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A wish to stop is heard at the end of this: in the middle of it, a process would be started and forgotten."""
    asked: list[int] = []
    before = {
        each: signal.signal(each, lambda number, _: asked.append(number)) for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    if asked:
        raise KeyboardInterrupt


def _spawn(state: StateDirectory, arguments: list[str]) -> subprocess.Popen[bytes]:
    repository = Path(__file__).resolve().parent.parent
    python_path = os.pathsep.join([str(repository), str(repository / "scripts")])
    with state.log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "localcloud", "serve", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=state.path,
            env=_environment(os.environ, python_path),
            start_new_session=True,
        )


def _environment(caller: Mapping[str, str], python_path: str) -> dict[str, str]:
    """The caller's, without its AWS: the cloud's own clients must not take another account's settings."""
    kept = {name: value for name, value in caller.items() if not name.startswith(("AWS_", "MOTO_"))}
    return {**kept, **without_proxy(caller), "PYTHONPATH": python_path, "AWS_EC2_METADATA_DISABLED": "true"}


def _cause(log: Path) -> str:
    """The last line a cloud that failed has to say, which names the cause."""
    lines = [each for each in log.read_text(errors="replace").splitlines() if each.startswith("error: ")]
    cause = lines[-1].removeprefix("error: ") if lines else "the cloud's process ended"
    return f"{cause}\n  the whole story: {log}"


def stop(state: StateDirectory) -> bool:
    """Stops the cloud and returns once it is gone with all it made; False when there was nothing."""
    found = _stop_process(state)
    state.remove()
    return found


def _stop_process(state: StateDirectory) -> bool:
    pid = state.pid()
    if pid is None:
        return clean(state)
    born = start_time(pid)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE
    while start_time(pid) == born:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            deadline += STOP_PATIENCE
        time.sleep(PAUSE)
    clean(state)
    return True


def clean(state: StateDirectory) -> bool:
    """Removes what a cloud that is gone has left; False when there was nothing."""
    runtime = state.runtime()
    if not runtime:
        return False
    remove_leftovers(runtime, state.path)
    state.release()
    return True


def serve(options: CloudOptions) -> int:
    """Is the cloud, until SIGTERM or SIGINT. The exit code is 1 if it could not start."""
    from localcloud.cloud import Cloud  # moto takes two seconds to import, which only the cloud needs

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    # A refusal in a code that is in no service model (sts AccessDenied) is meant.
    warnings.filterwarnings("ignore", message=r"Exception\(_Answered\)")
    state = StateDirectory(options.state_directory)
    told_to_stop = threading.Event()
    cloud = Cloud(options)

    def stop_now() -> None:
        told_to_stop.set()
        cloud.interrupt()

    _on_signal(stop_now)
    state.claim(cloud.choice.name)
    try:
        cloud.start()
    except Exception as error:  # the one who waits for us reads the last line
        _log.exception("the cloud could not start")
        sys.stderr.write(f"error: {' '.join(str(error).split()) or type(error).__name__}\n")
        state.release()
        return 1
    headline = f"{cloud.choice.name} runtime: {cloud.choice.reason}"
    state.announce(Running(cloud.server.origin, cloud.control_token, cloud.choice.name, headline, cloud.environment))
    told_to_stop.wait()
    cloud.close()
    state.release()
    return 0


def _on_signal(stop_now: Callable[[], None]) -> None:
    """Calls `stop_now` in a thread: a handler in the main thread could meet the very lock it needs."""
    reader, writer = os.pipe()

    def wait() -> None:
        os.read(reader, 1)
        stop_now()

    threading.Thread(target=wait, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(writer, b"!"))
