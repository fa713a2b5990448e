"""The corner of the local cloud that decides who gets in: GitHub's issuer, STS and IAM; no group, no instance."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from deployer.cli import main
from localcloud.authorised import Authorised
from localcloud.aws.account import ACCOUNT, ROOT_KEY
from localcloud.aws.calls import call_of
from localcloud.aws.identity import Identity
from localcloud.aws.moto_seams import Books, forget_everything
from localcloud.aws.operations import Operations
from localcloud.aws.server import Server
from localcloud.github.server import PREFIX, GitHub

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

REGION = "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop-deploy"
ISSUER = "https://token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER.removeprefix('https://')}"


@dataclass(frozen=True)
class Ran:
    """A command that ended: its exit code, and everything it showed anybody, job summary and outputs included."""

    code: int
    shown: str

    @property
    def text(self) -> str:
        """What it showed, with the line breaks of an annotation written out."""
        return self.shown.replace("%0A", "\n").replace("%25", "%")


@dataclass(frozen=True)
class Asked:
    """A call AWS got: `sts:AssumeRole`, who signed it, and what called itself its user agent."""

    operation: str
    access_key: str
    user_agent: str


@dataclass
class Identities:
    """An account, a repository's jobs, and the folder a job writes to."""

    github: GitHub
    iam: Any
    books: Books
    sts: Identity
    origin: str
    folder: Path
    asked: list[Asked] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    """Every token the issuer gave away."""
    ran: list[Ran] = field(default_factory=list)

    def provide(self, audience: str = "sts.amazonaws.com") -> None:
        """Registers GitHub as an identity provider of the account."""
        self.iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=[audience])

    def trust(self, condition: dict[str, Any], role: str = "shop-deploy") -> None:
        """Makes the role if need be, and has it trust the jobs that `condition` describes."""
        principal = {"Federated": PROVIDER}
        self.trust_by(
            role,
            {
                "Effect": "Allow",
                "Principal": principal,
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": condition,
            },
        )

    def trust_by(self, role: str, statement: dict[str, Any], **more: Any) -> None:
        """Makes the role if need be, and gives it this trust policy."""
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        if any(each["RoleName"] == role for each in self.iam.list_roles()["Roles"]):
            self.iam.update_assume_role_policy(RoleName=role, PolicyDocument=policy)
        else:
            self.iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy, **more)

    def allow_chaining(self, role: str, to: str) -> None:
        """Gives the role the one permission that its side of a chain takes."""
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": to}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_role_policy(RoleName=role, PolicyName="chain", PolicyDocument=policy)

    def make_user(self, name: str) -> tuple[str, str]:
        """A user with no permission at all; access key and secret."""
        self.iam.create_user(UserName=name)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    @property
    def job(self) -> dict[str, str]:
        """The environment of a job that may ask for tokens, and nothing else."""
        return {
            "PATH": os.environ["PATH"],
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_RUN_ID": "77",
            "GITHUB_RUN_ATTEMPT": "2",
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_ENV": str(self.folder / "environment"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "AWS_ENDPOINT_URL": self.origin,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": str(self.folder / "none"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "none"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": self.github.token_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.github.issuer.request_token,
            "INPUT_ROLE_TO_ASSUME": ROLE,
        }

    def deploy(self, *words: str, **variables: str) -> Ran:
        """One command as the command line runs it, in this process; an empty variable is left out."""
        environment = {name: value for name, value in {**self.job, **variables}.items() if value}
        output = StringIO()
        with redirect_stdout(output), redirect_stderr(output):
            code = main(words or ["assume-role"], environment)
        return self._ended(code, output.getvalue())

    def deploy_in_a_process_of_its_own(self, *words: str) -> Ran:
        """The same as its users run it."""
        done = subprocess.run(
            [sys.executable, "-m", "deployer", *words],
            env={**self.job, "PYTHONPATH": str(Path(__file__).parents[2] / "scripts")},
            capture_output=True,
            text=True,
            check=False,
        )
        return self._ended(done.returncode, done.stdout + done.stderr)

    def _ended(self, code: int, shown: str) -> Ran:
        for each in (self.folder / "output", self.folder / "summary"):
            if each.exists():
                shown += each.read_text()
                each.unlink()
        self.ran.append(Ran(code, shown))
        return self.ran[-1]

    def nothing_was_given_away(self) -> None:
        """No token and no signature of one was ever shown, but to the runner in order to mask it."""
        for ran in self.ran:
            shown = re.sub(r"^::add-mask::.*$", "", ran.shown, flags=re.MULTILINE)
            for token in self.tokens:
                assert token not in shown
                assert token.split(".")[2] not in shown
            assert self.github.issuer.request_token not in ran.shown
            assert "Traceback" not in ran.shown


@contextmanager
def identities_in(folder: Path) -> Iterator[Identities]:
    """Serves that corner, with nothing in the account."""
    with ExitStack() as stack:
        server = Server(threading.RLock())
        stack.callback(server.close)
        forget_everything()
        github = GitHub(server.origin)
        server.mount(PREFIX, github)
        operations = Operations()
        stack.callback(operations.close)
        books = Books(REGION)
        sts = Identity(books, github.issuer)
        operations.replace("sts", sts.handlers())
        server.authorisation.begin(books, Authorised(folder))
        server.start()
        keys = {"aws_access_key_id": ROOT_KEY, "aws_secret_access_key": "unchecked"}
        iam = boto3.client("iam", region_name=REGION, endpoint_url=server.origin, **keys)
        identities = Identities(github, iam, books, sts, server.origin, folder)
        _listen(server, identities.asked)
        _record(github, identities.tokens)
        yield identities


def _listen(server: Server, asked: list[Asked]) -> None:
    application = server.calls._application

    def listening(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        key = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split("/")[0]
        asked.append(Asked(str(call_of(environ)), key, environ.get("HTTP_USER_AGENT", "")))
        return application(environ, start_response)

    server.calls._application = listening


def _record(github: GitHub, tokens: list[str]) -> None:
    mint = github.issuer.token

    def recorded(*arguments: Any) -> str:
        tokens.append(mint(*arguments))
        return tokens[-1]

    github.issuer.token = recorded  # type: ignore[method-assign,assignment]


def json_after(words: str, text: str) -> dict[str, Any]:
    """The JSON object that follows `words`, read as somebody who copies it would."""
    assert words in text, text
    start = text.index("{", text.index(words))
    found: dict[str, Any]
    found, _ = json.JSONDecoder().raw_decode(text[start:])
    return found


def condition_in(text: str) -> dict[str, Any]:
    """The Condition a refusal offers."""
    return json_after('"Condition": ', text)
