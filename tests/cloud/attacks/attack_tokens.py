"""Tokens that must open no role: of other jobs, of other repositories, and such as GitHub never signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from localcloud.github.issuer import Issuer

AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True)
class Token:
    """A token that must open no role."""

    name: str
    made: Callable[[Issuer], str]
    code: str = "AccessDenied"
    message: str = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    role: str = "orange-web-deployer"


def of_job(**claims: Any) -> Callable[[Issuer], str]:
    """A genuine token of another job."""
    return lambda issuer: _signed(issuer, replace(issuer.job, **claims).claims())


def saying(**claims: Any) -> Callable[[Issuer], str]:
    """A genuine token of our job, but for some claims; None: without it."""
    return lambda issuer: _signed(issuer, {**issuer.job.claims(), **claims})


def at(**seconds: int) -> Callable[[Issuer], str]:
    """A genuine token of our job, but for some times, which are so many seconds from now."""
    return lambda issuer: saying(**{name: int(time.time()) + each for name, each in seconds.items()})(issuer)


def _signed(issuer: Issuer, claims: dict[str, Any]) -> str:
    given = {name: value for name, value in claims.items() if value is not None}
    if len(given) == len(claims):
        return issuer.token(AUDIENCE, given)
    body = jwt.decode(issuer.token(AUDIENCE, given), options={"verify_signature": False})
    return jwt.encode({name: body[name] for name in body if name in given or name not in claims}, issuer._key, "RS256")


def by_another_key(issuer: Issuer) -> str:
    claims = jwt.decode(issuer.token(AUDIENCE), options={"verify_signature": False})
    return jwt.encode(claims, rsa.generate_private_key(65537, 2048), algorithm="RS256")


def unsigned(issuer: Issuer) -> str:
    claims = jwt.decode(issuer.token(AUDIENCE), options={"verify_signature": False})
    return jwt.encode(claims, key="", algorithm="none")


def signed_with_the_public_key(issuer: Issuer) -> str:
    """As if the published key were the secret of a symmetric algorithm."""
    public = issuer.public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = issuer.token(AUDIENCE).split(".")[1]
    head = _base64({"alg": "HS256", "typ": "JWT"})
    signature = hmac.new(public, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def changed_after_signing(issuer: Issuer) -> str:
    """Another repository's token, with our `sub` put into it."""
    head, _, signature = of_job(**MALLORYS)(issuer).split(".")
    claims = jwt.decode(issuer.token(AUDIENCE), options={"verify_signature": False})
    return f"{head}.{_base64(claims)}.{signature}"


def _base64(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


MALLORYS = {"repository": "mallory/orange", "repository_id": "666", "owner_id": "667"}
NAMESAKES = {"repository_id": "666", "owner_id": "667"}
"""Of a repository made under our name after ours was renamed or its owner had gone."""
OLD_FORM = "repo:awesomeorange/orange:ref:refs/heads/main"
BAD = "InvalidIdentityToken"
TOKENS = (
    Token("other-repository", of_job(**MALLORYS)),
    Token("other-repository-old-sub", of_job(**MALLORYS, immutable_subject=False)),
    Token("namesake-with-the-old-sub", of_job(**NAMESAKES, immutable_subject=False)),
    Token("namesake-with-the-new-sub", of_job(**NAMESAKES)),
    Token("our-old-sub-and-another-repository-id", saying(sub=OLD_FORM, repository_id="666")),
    Token("our-repository-id-and-another-sub", saying(sub="repo:mallory/orange:ref:refs/heads/main")),
    Token("ids-of-another-in-sub", saying(sub="repo:awesomeorange@667/orange@666:ref:refs/heads/main")),
    Token("no-repository-id", saying(repository_id=None)),
    Token("name-in-other-case", saying(sub="repo:AwesomeOrange/Orange:ref:refs/heads/main")),
    Token("repository-whose-name-begins-like-ours", saying(sub="repo:awesomeorange/orange-peel:ref:refs/heads/main")),
    Token("other-branch", of_job(ref="refs/heads/feature")),
    Token("branch-whose-name-begins-like-ours", of_job(ref="refs/heads/main-2")),
    Token("tag-of-the-branchs-name", of_job(ref="refs/tags/main")),
    Token("pull-request", of_job(event_name="pull_request", ref="refs/pull/7/merge")),
    Token("fork", of_job(**MALLORYS, event_name="pull_request", ref="refs/pull/7/merge")),
    Token("environment-where-none-is-expected", of_job(environment="production")),
    Token("other-environment", of_job(environment="staging"), role="orange-staged-deployer"),
    Token("no-environment", of_job(), role="orange-staged-deployer"),
    Token(
        "our-environment-from-another-branch",
        of_job(environment="production", ref="refs/heads/feature"),
        role="orange-staged-deployer",
    ),
    Token("role-to-look-for-another-repository", of_job(**MALLORYS), role="orange-web-status"),
    Token("role-of-an-instance", of_job(), role="orange-web-instance"),
    Token("role-that-is-not-there", of_job(), role="orange-web-admin"),
    Token("wrong-audience", lambda issuer: issuer.token("sts.amazonaws.com.cn"), BAD, "Incorrect token audience"),
    Token("audience-of-the-owner", lambda issuer: issuer.token(), BAD, "Incorrect token audience"),
    Token("expired", at(exp=-10), "ExpiredTokenException", "Token expired"),
    Token("not-valid-yet", at(nbf=600), BAD, "not valid yet"),
    Token("other-issuer", saying(iss="https://token.example.com"), BAD, "No OpenIDConnect provider found"),
    Token("signed-by-another-key", by_another_key, BAD, "not signed by the issuer"),
    Token("not-signed-at-all", unsigned, BAD, "not signed by the issuer"),
    Token("signed-with-the-public-key", signed_with_the_public_key, BAD, "not signed by the issuer"),
    Token("changed-after-signing", changed_after_signing, BAD, "not signed by the issuer"),
)
