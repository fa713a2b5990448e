"""From a command line and an environment to a typed command, and from its end to an exit code.

Flags win over `INPUT_*` variables, in which the actions hand their inputs over; an empty value counts as not given.
Commands are imported only when they run, so that `--help` and `--version` answer at once.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn

from deployer import __version__, inputs
from deployer.core.errors import EXIT_FAILED, BadInput, DeployError, Interrupted
from deployer.declaration import inputs_of
from deployer.github.console import Console, console_for
from deployer.outcome import Outcome


@dataclass(frozen=True)
class Command:
    """One verb: where it lives, what it takes, what it is for."""

    module: str
    inputs: type
    help: str


COMMANDS = {
    "check": Command("check", inputs.DeliveryInputs, "look at all that a delivery takes, changing nothing"),
    "assume-role": Command("assume_role", inputs.AssumeRoleInputs, "trade the job's OIDC token for an IAM role"),
    "build": Command("build", inputs.BuildInputs, "build an image, push it, say its digest"),
    "publish": Command("publish", inputs.PublishInputs, "put a release into the bucket, once and for all"),
    "rollout": Command("rollout", inputs.RolloutInputs, "bring every instance of a group to a release"),
    "rollback": Command("rollback", inputs.RollbackInputs, "bring every instance back to an earlier release"),
    "plan": Command("plan", inputs.RolloutInputs, "say what a rollout would do, changing nothing"),
    "status": Command("status", inputs.StatusInputs, "say what runs where"),
    "history": Command("history", inputs.StatusInputs, "list the rollouts of a group"),
    "releases": Command("releases", inputs.FleetPlace, "list what is published, and who needs it"),
    "prune-releases": Command(
        "prune_releases", inputs.PruneReleasesInputs, "remove releases that are old and needed by no group"
    ),
    "doctor": Command("doctor", inputs.DoctorInputs, "look at all that a first deploy needs, changing nothing"),
    "render": Command(
        "render", inputs.RenderInputs, "print the SSM document, the launch template's user data, or the policies"
    ),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(message, f"see `{self.prog} --help`")


def main(argv: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    """Runs one command; returns its exit code (core.errors lists them)."""
    words = list(sys.argv[1:] if argv is None else argv)
    env = os.environ if environment is None else environment
    console = console_for(env, machine_readable="--json" in words)
    try:
        return _run(words, env, console)
    except DeployError as error:
        console.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        interrupted = Interrupted(signal.SIGINT, "stopped by SIGINT", "nothing was left half-done; run again")
        console.error(interrupted)
        return interrupted.exit_code
    except Exception as error:  # the last resort: a person gets a sentence, never a traceback
        console.unexpected(error)
        return EXIT_FAILED


def _run(words: Sequence[str], env: Mapping[str, str], console: Console) -> int:
    arguments = _parser().parse_args(words)
    command = COMMANDS[arguments.command]
    values = read_inputs(command.inputs, vars(arguments), env)
    run = import_module(f"deployer.commands.{command.module}").run
    outcome: Outcome = run(values, console)
    console.finish(outcome)
    return outcome.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="deployer", description=import_module("deployer").__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        verb = verbs.add_parser(name, help=command.help, description=command.help, allow_abbrev=False)
        for each in inputs_of(command.inputs):
            verb.add_argument(each.flag, dest=each.name, metavar="VALUE", help=each.help.replace("%", "%%"))
        verb.add_argument("--json", action="store_true", help="print the outcome as JSON; the log goes to stderr")
    return parser


def read_inputs(group: type, flags: Mapping[str, str | None], env: Mapping[str, str]) -> Any:
    """An instance of `group` from flags and `INPUT_*` variables.

    Raises BadInput naming every missing or malformed input at once, so that one run shows all of them.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for each in inputs_of(group):
        text = (flags.get(each.name) or env.get(each.variable, "")).strip()
        if not text and each.required:
            problems.append(f"{each.name} is required: {each.help}")
        elif text:
            try:
                values[each.name.replace("-", "_")] = each.parse(text)
            except ValueError as error:
                problems.append(f"{each.name} is {text!r}: {error}")
    if problems:
        raise BadInput("; ".join(problems), "give them as `with:` inputs of the action, or as --flags")
    return group(**values)
