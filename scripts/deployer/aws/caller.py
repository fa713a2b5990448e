"""What access to AWS asks of the command that wants it: its inputs, and the job it runs in.

Protocols, because `aws` and `github` do not import each other: deployer.inputs.Access and
deployer.github.console.Console fit them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Access(Protocol):
    """The inputs that say who to be."""

    @property
    def role_to_assume(self) -> str: ...
    @property
    def aws_region(self) -> str: ...
    @property
    def role_session_name(self) -> str: ...
    @property
    def role_duration_seconds(self) -> int: ...
    @property
    def audience(self) -> str: ...
    @property
    def role_chain_to(self) -> str: ...
    @property
    def role_external_id(self) -> str: ...
    @property
    def narrow_session(self) -> bool: ...
    @property
    def allowed_account_ids(self) -> tuple[str, ...]: ...


class Token(Protocol):
    """An OIDC token and what it claims."""

    @property
    def value(self) -> str: ...
    @property
    def claims(self) -> Mapping[str, Any]: ...


class Run(Protocol):
    """A run of a workflow, as far as AWS gets to know it."""

    @property
    def tag(self) -> str: ...


class Job(Protocol):
    """The job the command runs in."""

    @property
    def run(self) -> Run: ...
    def identity_token(self, audience: str) -> Token:
        """A fresh token for `audience`; raises a DeployError when there is none to be had."""
