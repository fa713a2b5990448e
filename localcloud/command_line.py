"""The verbs of `python -m localcloud`: up, down, status, scale, fault, image."""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from localcloud import daemon
from localcloud.aws.account import ADMINISTRATOR
from localcloud.control import Client, ControlError
from localcloud.engine_command import EngineError
from localcloud.environment_file import lines_of, write_private
from localcloud.options import CloudOptions
from localcloud.roles import OPERATORS
from localcloud.runtime import process_image
from localcloud.runtime.select import NAMES
from localcloud.state_directory import Running, StateDirectory

INSTALL = Path(__file__).resolve().parent / "install"
EXIT_FAILED, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 1, 2, 130


class _BadInput(Exception):
    """What was asked cannot be."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _BadInput(f"{message}\n  see `{self.prog} --help`")


def main(words: Sequence[str]) -> int:
    """Runs one verb; 0, 1 (failed), 2 (bad input) or 130 (interrupted)."""
    try:
        arguments = _parser().parse_args(words)
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except KeyboardInterrupt:
        return _complain("interrupted", EXIT_INTERRUPTED)
    except _BadInput as error:
        return _complain(error, EXIT_BAD_INPUT)
    except (daemon.DaemonError, ControlError, EngineError, process_image.PullRefused) as error:
        return _complain(error, EXIT_FAILED)
    except OSError as error:  # a directory or file of the caller's that cannot be used
        return _complain(f"{error.filename or 'a file'}: {error.strerror}", EXIT_FAILED)


def _complain(error: Exception | str, exit_code: int) -> int:
    sys.stderr.write(f"error: {error}\n")
    return exit_code


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python3 -m localcloud",
        description="An AWS account with instances, GitHub's side of it, and a registry, on this machine's loopback.",
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    _add_up(verbs, "up", "start a cloud and print its environment", _up)
    _add_up(verbs, "serve", "be the cloud, in the foreground", _serve)
    _verb(verbs, "down", "stop the cloud and remove all it made", _down)
    _verb(verbs, "status", "say what runs", _status)
    scale = _verb(verbs, "scale", "change the number of instances", _scale)
    scale.add_argument("--desired", type=_count, required=True, metavar="N")
    _add_fault(_verb(verbs, "fault", "make something go wrong: an instance, the registry, or calls", _fault))
    image = _verb(verbs, "image", "push a stand-in image (process runtime), print NAME@DIGEST", _image)
    image.add_argument("--name", required=True)
    image.add_argument("--version", required=True)
    image.add_argument("--unhealthy", action="store_true", help="answers every request with 503")
    return parser


def _verb(verbs: Any, name: str, about: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=about, description=about, allow_abbrev=False)
    verb.add_argument("--state-dir", type=Path, default=Path(".localcloud"), metavar="DIR")
    verb.set_defaults(run=run)
    return verb


def _add_fault(fault: argparse.ArgumentParser) -> None:
    fault.add_argument("name", nargs="?", metavar="FAULT", help="one of --list")
    fault.add_argument("--list", action="store_true", help="say which faults there are and what each takes")
    fault.add_argument("--instance", default="", metavar="ID", help="where, if it is of an instance")
    fault.add_argument("--operation", default="", metavar="SERVICE[:OPERATION]", help="which calls; all if not given")
    fault.add_argument("--calls", type=_count, metavar="N", help="how often it happens")
    fault.add_argument("--seconds", type=_seconds, metavar="S", help="how long it lasts, or takes")
    fault.add_argument("--clear", action="store_true", help="take it back")


def _add_up(verbs: Any, name: str, about: str, run: Callable[[argparse.Namespace], int]) -> None:
    up = _verb(verbs, name, about, run)
    up.add_argument("--instances", type=_count, default=3, metavar="N")
    up.add_argument("--min-size", type=_count, metavar="N", help="of the group; 0 when not given")
    up.add_argument("--max-size", type=_count, metavar="N", help="of the group; twice the instances when not given")
    up.add_argument("--runtime", choices=NAMES, default="", help="docker where an engine answers, else process")
    up.add_argument("--target-group", action="store_true", help="put a load balancer in front")
    up.add_argument("--app", default="orange", metavar="NAME")
    up.add_argument(
        "--operator",
        choices=tuple(OPERATORS),
        default=ADMINISTRATOR,
        help="whose credentials to print: who may everything (the default), or what the deploying role may",
    )
    up.add_argument("--env-file", type=Path, metavar="FILE", help="write the environment there too")


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return float(text)


def _up(arguments: argparse.Namespace) -> int:
    _options(arguments)
    state = StateDirectory(arguments.state_dir)
    if arguments.env_file:
        write_private(arguments.env_file, "")  # what cannot be written is found out before anything runs
    if arguments.runtime == "docker" and subprocess.run([INSTALL], stdout=sys.stderr, check=False).returncode:
        raise daemon.DaemonError("the docker runtime lacks what is named above\n  --runtime process needs none of it")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    running = daemon.start(state, _words(arguments))
    _say(running.headline)
    text = lines_of(running.environment)
    if arguments.env_file:
        write_private(arguments.env_file, text)
    _say(text.rstrip("\n"))
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    return daemon.serve(_options(arguments))


def _down(arguments: argparse.Namespace) -> int:
    stopped = daemon.stop(StateDirectory(arguments.state_dir))
    _say("the cloud is gone" if stopped else f"nothing is running (state in {arguments.state_dir})")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    state = StateDirectory(arguments.state_dir)
    running = state.running()
    if running is None:
        _say(f"nothing is running (state in {arguments.state_dir})")
        return EXIT_FAILED
    status = _client(running).call("status")
    _say(f"{running.headline}; group {status['group']}")
    for each in status["instances"]:
        _say(f"{each['instance']}  {each['state']:<16} {each['health']:<10} {each['address']}")
    return 0


def _scale(arguments: argparse.Namespace) -> int:
    running = _running(arguments)
    _client(running).call("scale", desired=arguments.desired)
    _say(f"the group is on its way to {arguments.desired} instances")
    return 0


def _fault(arguments: argparse.Namespace) -> int:
    if arguments.list:
        from localcloud.faults import described  # with all of the cloud, which takes two seconds to import

        _say("\n".join(described()))
        return 0
    if not arguments.name:
        raise _BadInput("fault needs the name of one\n  see `fault --list`")
    names = ("name", "instance", "operation", "calls", "seconds", "clear")
    asked = {name: getattr(arguments, name) for name in names}
    _say(_client(_running(arguments)).call("fault", **asked)["said"])
    return 0


def _image(arguments: argparse.Namespace) -> int:
    running = _running(arguments)
    if running.runtime != "process":
        raise _BadInput(
            "stand-in images run on the process runtime only\n  build and push a real one to "
            + running.environment["REGISTRY"]
        )
    _say(
        process_image.push(
            running.environment["REGISTRY"], arguments.name, arguments.version, unhealthy=arguments.unhealthy
        )
    )
    return 0


def _running(arguments: argparse.Namespace) -> Running:
    running = StateDirectory(arguments.state_dir).running()
    if running is None:
        raise daemon.DaemonError(f"no cloud is running (state in {arguments.state_dir})\n  start one with `up`")
    return running


def _client(running: Running) -> Client:
    return Client(running.origin, running.control_token)


def _options(arguments: argparse.Namespace) -> CloudOptions:
    options = CloudOptions(
        state_directory=arguments.state_dir.resolve(),
        instances=arguments.instances,
        min_size=arguments.min_size,
        max_size=arguments.max_size,
        runtime=arguments.runtime,
        target_group=arguments.target_group,
        app=arguments.app,
        operator=arguments.operator,
    )
    smallest, largest = options.limits
    if not smallest <= options.instances <= largest:
        raise _BadInput(f"{options.instances} instances are not between --min-size {smallest} and --max-size {largest}")
    return options


def _words(arguments: argparse.Namespace) -> list[str]:
    """The arguments of `serve` that mean the same cloud."""
    words = ["--state-dir", str(arguments.state_dir.resolve()), "--instances", str(arguments.instances)]
    words += ["--app", arguments.app, "--operator", arguments.operator]
    for flag, value in (("--min-size", arguments.min_size), ("--max-size", arguments.max_size)):
        words += [] if value is None else [flag, str(value)]
    words += ["--runtime", arguments.runtime] if arguments.runtime else []
    return words + (["--target-group"] if arguments.target_group else [])
