"""The `docker` of an instance made of processes: the commands `activate` uses, and no others.

    python -m localcloud.runtime.process_docker DIRECTORY COMMAND…

Anything else is refused loudly, so that a script which needs more is found out here and not on EC2.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from localcloud.runtime.process_compose import ComposeError, Service, load, read_env_file
from localcloud.runtime.process_containers import Container, Engine, EngineRefused

INSPECT_FORMAT = (
    "{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}} "
    "{{if .State.Health}}{{.State.Health.Status}}{{end}}"
)
IMAGE_FORMAT = "{{.Repository}}@{{.Digest}}"
PROJECT_LABEL = "label=com.docker.compose.project="
NOT_BY_HAND = "label=com.docker.compose.oneoff=False"
COMPOSE_VERBS = {"up": ("-d", "--no-build", "--remove-orphans"), "down": ("--remove-orphans",), "config": ("-q",)}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise EngineRefused(f"the stand-in docker does not know this: {message}")


def main(arguments: Sequence[str]) -> int:
    """Runs one command in the instance's directory; returns its exit code."""
    engine = Engine(Path(arguments[0]))
    try:
        _run(engine, list(arguments[1:]))
    except (EngineRefused, ComposeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(engine: Engine, words: list[str]) -> None:
    for length in (2, 1):
        command = _COMMANDS.get(" ".join(words[:length]))
        if command:
            return command(engine, words[length:])
    raise EngineRefused(f"the stand-in docker does not know this: docker {' '.join(words)}")


def _say(line: str) -> None:
    print(line)


def _version(engine: Engine, words: list[str]) -> None:
    del engine
    _nothing_else(words)
    _say("Server: stand-in docker of the local cloud\n Engine:\n  Version:  27.5.1")


def _pull(engine: Engine, words: list[str]) -> None:
    _say(engine.pull(_only(words)))


def _image_inspect(engine: Engine, words: list[str]) -> None:
    if _only(words) not in engine.images():
        raise EngineRefused(f"Error response from daemon: No such image: {words[0]}")
    _say("[{}]")


def _image_list(engine: Engine, words: list[str]) -> None:
    parser = _Parser()
    parser.add_argument("--digests", action="store_true", required=True)
    parser.add_argument("--format", choices=[IMAGE_FORMAT], required=True)
    parser.parse_args(words)
    for each in engine.images():
        if "@" in each:
            _say(each)


def _image_remove(engine: Engine, words: list[str]) -> None:
    engine.remove_image(_only(words))
    _say(f"Untagged: {words[0]}")


def _list_containers(engine: Engine, words: list[str]) -> None:
    parser = _Parser()
    parser.add_argument("-aq", action="store_true", required=True)
    parser.add_argument("--filter", action="append", required=True)
    project, *more = parser.parse_args(words).filter
    if not project.startswith(PROJECT_LABEL) or more not in ([], [NOT_BY_HAND]):
        raise EngineRefused(f"the stand-in docker filters by {PROJECT_LABEL} and {NOT_BY_HAND} only")
    for each in engine.containers(project.removeprefix(PROJECT_LABEL)):
        _say(each.id)


def _inspect(engine: Engine, words: list[str]) -> None:
    parser = _Parser()
    parser.add_argument("--format", choices=[INSPECT_FORMAT], required=True)
    parser.add_argument("ids", nargs="+")
    for name in parser.parse_args(words).ids:
        _say(_state(engine.container(name)))


def _state(container: Container) -> str:
    code = container.exit_code
    return f"/{container.name} running 0 false " if code is None else f"/{container.name} exited {code} false "


def _logs(engine: Engine, words: list[str]) -> None:
    parser = _Parser()
    parser.add_argument("--tail", type=int, required=True)
    parser.add_argument("id")
    wanted = parser.parse_args(words)
    lines = (engine.container(wanted.id).directory / "log").read_text(errors="replace").splitlines()
    for line in lines[-wanted.tail :]:
        _say(line)


def _compose(engine: Engine, words: list[str]) -> None:
    if words in (["version"], ["version", "--short"]):
        _say("2.32.4" if len(words) > 1 else "stand-in compose v2 of the local cloud")
    else:
        _change(engine, words)


def _change(engine: Engine, words: list[str]) -> None:
    wanted = _compose_parser().parse_args(words)
    variables = {**read_env_file(Path(wanted.env_file), os.environ), **os.environ}
    services = load(wanted.f, wanted.p, Path(wanted.project_directory), variables)
    if wanted.verb == "config":
        return
    if wanted.verb == "up":
        for service in services:
            _bring_up(engine, wanted.p, service)
    kept = {service.container for service in services} if wanted.verb == "up" else set()
    for each in engine.containers(wanted.p):
        if each.name not in kept:
            each.remove()


def _compose_parser() -> argparse.ArgumentParser:
    """Every flag is required: `activate` gives all of them, and what it does not give is not stood in for."""
    parser = _Parser()
    for flag in ("-p", "--project-directory", "--env-file"):
        parser.add_argument(flag, required=True)
    parser.add_argument("-f", action="append", type=Path, required=True)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, flags in COMPOSE_VERBS.items():
        verb = verbs.add_parser(name)
        for flag in flags:
            verb.add_argument(flag, action="store_true", required=True)
    return parser


def _bring_up(engine: Engine, project: str, service: Service) -> None:
    for each in engine.containers():
        if each.name != service.container:
            continue
        if each.project != project:
            raise EngineRefused(f'Conflict. The container name "/{each.name}" is already in use')
        if each.identity == service.identity and each.exit_code is None:
            return
        each.remove()
    engine.start(project, service)


_COMMANDS: dict[str, Callable[[Engine, list[str]], None]] = {
    "version": _version,
    "pull": _pull,
    "image inspect": _image_inspect,
    "image ls": _image_list,
    "image rm": _image_remove,
    "ps": _list_containers,
    "inspect": _inspect,
    "logs": _logs,
    "compose": _compose,
}


def _only(words: list[str]) -> str:
    if len(words) != 1 or words[0].startswith("-"):
        raise EngineRefused(f"the stand-in docker takes one name here, not {words}")
    return words[0]


def _nothing_else(words: list[str]) -> None:
    if words:
        raise EngineRefused(f"the stand-in docker takes nothing here, not {words}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
