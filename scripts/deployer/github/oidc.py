"""The OIDC token with which GitHub vouches for a job.

Facts: a job gets ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN only with `permissions: id-token: write`; a run of a
fork's pull request never does. A token lives 300 s and can be minted anew as long as the job runs.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deployer.core.errors import BadInput, DeployError, Refused
from deployer.github.run import RunContext

if TYPE_CHECKING:  # requests is imported when a token is fetched, so that `--help` answers at once
    import requests

ATTEMPTS = 5
TIMEOUT = 10
"""Seconds for one attempt to connect, and to answer."""
TRANSIENT = (429, 500, 502, 503, 504)

PERMISSION = """\
permissions:
  id-token: write
  contents: read"""


@dataclass(frozen=True)
class IdentityToken:
    """A signed statement about a job. `claims` are read, not verified: verifying is the business of AWS."""

    value: str = field(repr=False)
    claims: Mapping[str, Any]


def fetch_token(environment: Mapping[str, str], audience: str) -> IdentityToken:
    """A new token for `audience`.

    Raises BadInput when the job may not have one, Refused when GitHub's token service says no or is away.
    """
    url = environment.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
    ticket = environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    if not url or not ticket:
        raise _no_token_for(RunContext.from_environment(environment))
    return _token_in(_ask(url, ticket, audience))


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified; {} when there are none to read."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}


def _ask(url: str, ticket: str, audience: str) -> requests.Response:
    import requests

    try:
        with _patient_session(ticket) as session:
            return session.get(url, params={"audience": audience}, timeout=TIMEOUT)
    except requests.RequestException as error:
        raise Refused(
            f"GitHub's token service cannot be reached: {type(error).__name__} after {ATTEMPTS} attempts",
            "run the job again; if it stays so, see githubstatus.com, and the runner's proxy if it has one",
        ) from error


def _patient_session(ticket: str) -> requests.Session:
    """A session that tries again only where trying again can help."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    def bear(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {ticket}"
        return request

    retry = Retry(ATTEMPTS - 1, backoff_factor=0.3, status_forcelist=TRANSIENT, raise_on_status=False)
    session = requests.Session()
    session.auth = bear  # not a plain header: a ~/.netrc on the runner would replace it
    session.headers["Accept"] = "application/json; api-version=2.0"
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _token_in(response: requests.Response) -> IdentityToken:
    if response.status_code != 200:
        raise Refused(
            f"GitHub refused to mint an OIDC token (HTTP {response.status_code})",
            f"see that the job, and every workflow that calls it, has\n{PERMISSION}"
            if response.status_code < 500
            else "GitHub's token service has an outage: run the job again later (githubstatus.com)",
        )
    try:
        value = str(response.json()["value"])
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("GitHub's token service answered without a token", "run the job again") from error
    return IdentityToken(value, claims_of(value))


def _no_token_for(run: RunContext) -> DeployError:
    if run.fork_pull_request:
        return BadInput(
            "GitHub never gives OIDC tokens to runs of a fork's pull request, so no role can be assumed here",
            "deploy on push to a branch of this repository, not on pull_request;"
            " or skip the job: `if: github.event.pull_request.head.repo.full_name == github.repository`",
        )
    if not run.in_actions:
        return BadInput(
            "role-to-assume needs a GitHub Actions job: there is no OIDC token to trade here",
            "leave role-to-assume out to use the credentials of this shell (AWS_PROFILE and the like);"
            " a role they may assume goes into role-chain-to",
        )
    return BadInput(
        "the job may not ask for an OIDC token: it lacks the permission `id-token: write`",
        f"add to the job (and to the job that calls it, if it is a reusable workflow):\n{PERMISSION}",
    )
