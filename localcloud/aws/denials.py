"""How AWS says no to credentials and to requests: status, code and words, for each service."""

from __future__ import annotations

from localcloud.aws.needs import Need
from localcloud.aws.principals import Principal

Refusal = tuple[int, str, str]
"""HTTP status, error code, message."""

_INVALID = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_MISSING = "Request is missing Authentication Token"
_JSON = ("ssm", "ecr")
_NOT_ACCEPTED: dict[str, dict[str, Refusal]] = {
    "s3": {
        "missing": (403, "AccessDenied", "Access Denied"),
        "unknown": (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
        "malformed": (400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
        "expired": (400, "ExpiredToken", "The provided token has expired."),
    },
    "ec2": {
        "missing": (400, "MissingAuthenticationToken", _MISSING),
        "unknown": (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        "malformed": (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        "expired": (400, "RequestExpired", "Request has expired."),
    },
    "json": {
        "missing": (400, "MissingAuthenticationTokenException", _MISSING),
        "unknown": (400, "UnrecognizedClientException", _INVALID),
        "malformed": (400, "UnrecognizedClientException", _INVALID),
        "expired": (400, "ExpiredTokenException", _EXPIRED),
    },
    "query": {
        "missing": (403, "MissingAuthenticationToken", _MISSING),
        "unknown": (403, "InvalidClientTokenId", _INVALID),
        "malformed": (403, "InvalidClientTokenId", _INVALID),
        "expired": (403, "ExpiredToken", _EXPIRED),
    },
}


def not_accepted(service: str, fault: str) -> Refusal:
    """For credentials that are missing, unknown, malformed or expired."""
    return _NOT_ACCEPTED[_manner(service)][fault]


def not_allowed(service: str, principal: Principal, need: Need, why: str) -> Refusal:
    """For a need that is not met; `why` is the end of AWS's sentence."""
    message = f"User: {principal.arn} is not authorized to perform: {need.action}{_on(service, need)} {why}".rstrip()
    manner = _manner(service)
    if manner == "json":
        return 400, "AccessDeniedException", message
    if manner == "ec2":
        return 403, "UnauthorizedOperation", f"You are not authorized to perform this operation. {message}"
    return 403, "AccessDenied", message


def unknown(operation: Exception) -> str:
    """For an operation of which nobody has looked up what it needs."""
    return f"the local cloud does not know which permission {operation} needs, so only the account itself may call it"


def _on(service: str, need: Need) -> str:
    """S3 puts the resource in quotes; query services leave out one that is everything."""
    if service == "s3":
        return f' on resource: "{need.resource}"'
    if need.resource == "*" and _manner(service) != "json":
        return ""
    return f" on resource: {need.resource}"


def _manner(service: str) -> str:
    if service in ("s3", "ec2"):
        return service
    return "json" if service in _JSON else "query"
