"""GitHub's OIDC issuer: signs tokens with GitHub's claims for the jobs of one repository.

The `iss` claim is GitHub's own, as trust policies name it; the local cloud's STS knows that this stand-in plays it.
"""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

LIFETIME = 300
"""Seconds a token lives, as at GitHub; not configurable there."""
BACKDATED = 600
"""Seconds by which `nbf` lies before `iat`, as at GitHub."""


@dataclass(frozen=True)
class Job:
    """The job the tokens speak of."""

    repository: str = "awesomeorange/orange"
    repository_id: str = "104729"
    owner_id: str = "7919"
    ref: str = "refs/heads/main"
    sha: str = "0" * 40
    environment: str = ""
    event_name: str = "push"
    workflow: str = "deploy"
    actor: str = "awesomeorange"
    actor_id: str = "7919"
    run_id: str = "1"
    run_number: str = "1"
    run_attempt: str = "1"
    immutable_subject: bool = True
    """Repositories made since July 2026 carry ids in `sub`."""

    @property
    def subject(self) -> str:
        """The `sub` claim; `:` inside a value is written `%3A`."""
        owner, name = self.repository.split("/")
        named = f"{owner}@{self.owner_id}/{name}@{self.repository_id}"
        repository = named if self.immutable_subject else self.repository
        if self.environment:
            return f"repo:{repository}:environment:{self.environment.replace(':', '%3A')}"
        if self.event_name == "pull_request":
            return f"repo:{repository}:pull_request"
        return f"repo:{repository}:ref:{self.ref}"

    def claims(self) -> dict[str, Any]:
        """Every claim but times, audience, issuer and id."""
        workflow_ref = f"{self.repository}/.github/workflows/{self.workflow}.yml@{self.ref}"
        claims = {
            "sub": self.subject,
            "repository": self.repository,
            "repository_id": self.repository_id,
            "repository_owner": self.repository.split("/")[0],
            "repository_owner_id": self.owner_id,
            "repository_visibility": "private",
            "ref": self.ref,
            "ref_type": "tag" if self.ref.startswith("refs/tags/") else "branch",
            "ref_protected": "true",
            "sha": self.sha,
            "actor": self.actor,
            "actor_id": self.actor_id,
            "event_name": self.event_name,
            "head_ref": "",
            "base_ref": "",
            "workflow": self.workflow,
            "workflow_ref": workflow_ref,
            "workflow_sha": self.sha,
            "job_workflow_ref": workflow_ref,
            "job_workflow_sha": self.sha,
            "run_id": self.run_id,
            "run_number": self.run_number,
            "run_attempt": self.run_attempt,
            "runner_environment": "github-hosted",
        }
        return claims | ({"environment": self.environment} if self.environment else {})


@dataclass
class Issuer:
    """Keys, the secret a job asks with, and the job it speaks for."""

    base_url: str
    """Where the stand-in itself is found."""
    url: str = "https://token.actions.githubusercontent.com"
    job: Job = field(default_factory=Job)
    request_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    lifetime: int = LIFETIME
    minted: int = 0
    """Tokens so far."""
    _key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    _key_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        """What signatures are checked against."""
        return self._key.public_key()

    def token(self, audience: str = "", overrides: Mapping[str, Any] | None = None) -> str:
        """A signed token; without an audience it is the repository owner's URL, as at GitHub."""
        self.minted += 1
        issued = int(time.time())
        owner = self.job.repository.split("/")[0]
        claims = {
            "jti": str(uuid.uuid4()),
            "iss": self.url,
            "aud": audience or f"https://github.com/{owner}",
            "iat": issued,
            "nbf": issued - BACKDATED,
            "exp": issued + self.lifetime,
            **self.job.claims(),
            **(overrides or {}),
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})

    def keys(self) -> dict[str, Any]:
        """The JWKS document."""
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.public_key))
        return {
            "keys": [{"kid": self._key_id, "kty": "RSA", "alg": "RS256", "use": "sig", "n": key["n"], "e": key["e"]}]
        }

    def configuration(self) -> dict[str, Any]:
        """The `/.well-known/openid-configuration` document."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.base_url}/.well-known/jwks",
            "subject_types_supported": ["public", "pairwise"],
            "response_types_supported": ["id_token"],
            "claims_supported": ["jti", "iss", "aud", "iat", "nbf", "exp", *self.job.claims()],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid"],
        }
