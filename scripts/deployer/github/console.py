"""The one voice of every command: lines for a person, workflow commands for a runner, JSON for a machine.

    Console            a terminal
    └── ActionsConsole under GITHUB_ACTIONS=true: groups, annotations, masks

Nothing leaves through here without passing `_redact`. A machine reader gets stdout for itself; the log then
goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TextIO

from deployer.core.errors import DeployError
from deployer.github import crash, job_files
from deployer.github.oidc import IdentityToken, fetch_token
from deployer.github.run import RunContext
from deployer.github.workflow_commands import command, harmless, lines_of
from deployer.outcome import Outcome

MASK = "***"
ISSUES = "https://github.com/awesomeorange/deploy/issues"


def console_for(environment: Mapping[str, str], machine_readable: bool) -> Console:
    """The console that fits where the command runs."""
    kind = ActionsConsole if environment.get("GITHUB_ACTIONS") == "true" else Console
    return kind(environment, machine_readable)


class Console:
    """Talks to a person at a terminal."""

    def __init__(self, environment: Mapping[str, str], machine_readable: bool = False) -> None:
        self._environment = environment
        self._machine_readable = machine_readable
        self._secrets: set[str] = set()
        self.run = RunContext.from_environment(environment)

    def say(self, line: str) -> None:
        """One line (or more) of the log."""
        self._log(self._redact(line))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """What is said inside belongs to `title`."""
        self.say(f"▸ {title}")
        yield

    def warning(self, title: str, message: str) -> None:
        """Something went wrong that does not stop the command."""
        self._write(sys.stderr, self._redact(f"warning: {title}: {message}"))

    def error(self, error: DeployError) -> None:
        """Why the command ends here, and what to do next."""
        self._show_error(self._redact(error.what), self._redact(error.fix))
        self._answer({"exit_code": error.exit_code, "error": error.what, "fix": error.fix})

    def unexpected(self, error: Exception) -> None:
        """The command ends by an error nobody foresaw."""
        self.error(self.unforeseen(error))

    def unforeseen(self, error: Exception) -> DeployError:
        """Such an error as one sentence; the traceback goes to a file (and to stderr if debugging)."""
        text = self._redact(crash.traceback_of(error))
        path = crash.keep(text)
        where = f"; the traceback is in {path}" if path else ""
        if self._environment.get("DEPLOYER_DEBUG") == "1":
            self._write(sys.stderr, text)
        return DeployError(
            f"unexpected {type(error).__name__}{where}",
            f"this is a bug, please report it: {ISSUES} (DEPLOYER_DEBUG=1 prints the traceback)",
        )

    def mask(self, value: str) -> None:
        """From now on `value`, and each of its lines, is shown as ***."""
        for secret in {value, *lines_of(value)}:
            if secret.strip():
                self._secrets.add(secret)

    def identity_token(self, audience: str) -> IdentityToken:
        """A fresh OIDC token of this job, already masked; raises as `oidc.fetch_token` does."""
        token = fetch_token(self._environment, audience)
        self.mask(token.value)
        return token

    def export(self, variables: Mapping[str, str]) -> None:
        """Environment variables for the later steps of the job; raises DeployError outside Actions."""
        path = self._environment.get("GITHUB_ENV", "")
        if not path:
            raise DeployError("there is no later step to export to: GITHUB_ENV is not set", "run this in a job")
        job_files.append_values(path, variables)

    def finish(self, outcome: Outcome) -> None:
        """Hands the outcome over: outputs and summary to the job if any, JSON to a machine reader."""
        why: dict[str, str] = {}
        if failure := outcome.failure:
            self._announce(self._redact(failure.what), self._redact(failure.fix))
            why = {"error": failure.what, "fix": failure.fix}
        outputs = {name: self._redact(_text(value)) for name, value in outcome.outputs.items()}
        path = self._environment.get("GITHUB_OUTPUT", "")
        if path and outputs:
            job_files.append_values(path, outputs)
        self._summarise(outcome.summary)
        self._answer({**outcome.outputs, **why, "exit_code": outcome.exit_code})

    def _summarise(self, markdown: str) -> None:
        path = self._environment.get("GITHUB_STEP_SUMMARY", "")
        if path and markdown:
            job_files.append_summary(path, self._redact(markdown))

    def _show_error(self, what: str, fix: str) -> None:
        self._announce(what, fix)

    def _announce(self, what: str, fix: str) -> None:
        self._write(sys.stderr, "\n".join([f"error: {what}", *(f"  {line}" for line in fix.splitlines())]))

    def _answer(self, document: Mapping[str, object]) -> None:
        if self._machine_readable:
            clean = self._clean(document)
            self._write(sys.stdout, json.dumps(clean, indent=2, ensure_ascii=False, default=str))

    def _clean(self, value: object) -> object:
        """`value` redacted text by text: redacting the JSON itself would miss what JSON escapes."""
        if isinstance(value, str):
            return self._redact(value)
        if isinstance(value, Mapping):
            return {key: self._clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._clean(item) for item in value]
        return value

    def _redact(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):  # the whole before its parts
            text = text.replace(secret, MASK)
        return text

    def _log(self, text: str) -> None:
        self._write(sys.stderr if self._machine_readable else sys.stdout, text)

    @staticmethod
    def _write(stream: TextIO, text: str) -> None:
        try:
            _print(stream, text)
        except OSError:  # nobody reads any more (`| head`): a rollout goes on to its end all the same
            _silence(stream)


class ActionsConsole(Console):
    """Talks to a GitHub Actions runner: it folds groups, shows annotations, hides masked values."""

    _inside_group = False

    def say(self, line: str) -> None:
        """One line (or more) of the log; a line the runner would take for a command is defused."""
        self._log("\n".join(harmless(each) for each in lines_of(self._redact(line))))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """A group that folds in the log. The runner knows one level: a group in a group is a plain line."""
        if self._inside_group:
            self.say(f"▸ {title}")
            yield
            return
        self._log(command("group", self._redact(title)))
        self._inside_group = True
        try:
            yield
        finally:
            self._inside_group = False
            self._log(command("endgroup"))

    def warning(self, title: str, message: str) -> None:
        """A warning annotation of the run."""
        self._log(command("warning", self._redact(message), title=self._redact(title)))

    def mask(self, value: str) -> None:
        """As on a terminal, and the runner hides it in all it shows from now on, other steps included."""
        before = set(self._secrets)
        super().mask(value)
        for secret in sorted(self._secrets - before):
            self._log(command("add-mask", secret))

    def _announce(self, what: str, fix: str) -> None:
        self._log(command("error", f"{what}\n{fix}".rstrip(), title="deploy"))

    def _show_error(self, what: str, fix: str) -> None:
        self._announce(what, fix)
        self._summarise(f"**deploy: {what}**\n\n```\n{fix}\n```" if fix else f"**deploy: {what}**")


def _print(stream: TextIO, text: str) -> None:
    try:
        print(text, file=stream, flush=True)
    except UnicodeEncodeError:  # a terminal that is not UTF-8 must not end a rollout
        encoding = stream.encoding or "ascii"
        print(text.encode(encoding, "replace").decode(encoding), file=stream, flush=True)


def _silence(stream: TextIO) -> None:
    """What `stream` holds back and is given from now on goes nowhere; else Python itself would end with 120."""
    with suppress(OSError, ValueError):  # a stream without a descriptor has nothing to redirect
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _text(value: object) -> str:
    """An output as a step's output: a string stays, the rest as JSON writes it, nothing is empty."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
